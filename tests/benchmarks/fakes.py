"""Competitors for tests."""

from benchmarks.tasks import Array, Workload


class FakeCompetitor:
    """Returns made-up losses: `start`, multiplied by `factor` in each round."""

    def __init__(self, work: Workload, start: str, factor: str) -> None:
        self.loss, self.factor = float(start), float(factor)

    def epoch(self, order: Array) -> float:
        loss, self.loss = self.loss, self.loss * self.factor
        return loss


class MissingPackage:
    """Needs a package that is not installed."""

    def __init__(self, work: Workload) -> None:
        raise ModuleNotFoundError("No module named 'nowhere'")
