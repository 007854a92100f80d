"""Fake competitors for the tests of the benchmarks."""

from benchmarks.tasks import Array, Workload


class FakeCompetitor:
    """A competitor whose loss is `start`, multiplied by `factor` in each round."""

    def __init__(self, work: Workload, start: str, factor: str) -> None:
        self.loss, self.factor = float(start), float(factor)

    def epoch(self, order: Array) -> float:
        loss, self.loss = self.loss, self.loss * self.factor
        return loss


class MissingPackage:
    """A competitor that needs a package that is not installed."""

    def __init__(self, work: Workload) -> None:
        raise ModuleNotFoundError("No module named 'nowhere'")
