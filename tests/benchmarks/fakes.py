"""Contestants that pretend."""

from benchmarks.tasks import Array, Work


class Pretender:
    """Gives losses without learning anything: from `start`, multiplied by `factor` each round."""

    def __init__(self, work: Work, start: str, factor: str) -> None:
        self.loss, self.factor = float(start), float(factor)

    def epoch(self, order: Array) -> float:
        loss, self.loss = self.loss, self.loss * self.factor
        return loss


class Absent:
    """Needs a package that is not there."""

    def __init__(self, work: Work) -> None:
        raise ModuleNotFoundError("No module named 'nowhere'")
