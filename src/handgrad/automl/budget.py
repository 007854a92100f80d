"""A time budget, and an engine that stops when the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from handgrad.engines import BatchStream, Engine, StepResults
from handgrad.layers import Array
from handgrad.network import Network


class TimeBudget:
    """A time budget whose clock starts when the object is created.

    Args:
        seconds: the length of the budget in seconds.
        now: returns the current time in seconds.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._now, self._start = seconds, now, now()

    @property
    def elapsed(self) -> float:
        """The number of seconds since the budget started."""
        return self._now() - self._start

    @property
    def remaining(self) -> float:
        """The number of seconds left in the budget; negative once the budget is used up."""
        return self.seconds - self.elapsed


class OutOfTime(Exception):  # noqa: N818 (it is not an error: the time is over)
    """Raised when the time budget is used up before the next update."""


class TimedEngine:
    """An engine that raises `OutOfTime` when its deadline has passed.

    Args:
        engine: the engine that makes the updates and computes the logits.
        net: the network that the engine trains.
        budget: the time budget.
        deadline: the time at which to stop, in seconds since the start of the budget.
        finish_epoch: whether to continue past the deadline until the first epoch has been
            evaluated.

    Attributes:
        evaluated_arrays: the network's arrays when the engine last computed logits. With weight
            averaging, these are the averaged weights.
    """

    def __init__(
        self,
        engine: Engine,
        net: Network,
        budget: TimeBudget,
        deadline: float,
        finish_epoch: bool = False,
    ) -> None:
        self.engine, self.net, self.budget = engine, net, budget
        self.deadline, self.finish_epoch = deadline, finish_epoch
        self.evaluated_arrays: dict[str, Array] = {}
        self.optimizer_state, self.step = engine.optimizer_state, engine.step

    @property
    def steps(self) -> int:
        """The number of updates so far."""
        return self.engine.steps

    @steps.setter
    def steps(self, count: int) -> None:
        self.engine.steps = count

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update per batch.

        Raises:
            OutOfTime: if the deadline has passed before the first update.
        """
        may_stop = bool(self.evaluated_arrays) or not self.finish_epoch
        if may_stop and self.budget.elapsed >= self.deadline:
            raise OutOfTime
        return self.engine.run(batches)

    def logits(self, X: NDArray[Any]) -> Array:
        """Compute the logits (N, K) of images X (N, C, H, W) in inference mode."""
        self.evaluated_arrays = self.net.snapshot()
        return self.engine.logits(X)
