"""The time that there is, and an engine that keeps to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from handgrad.engines import BatchStream, Engine, StepResults
from handgrad.layers import Array
from handgrad.network import Network


class Clock:
    """Seconds that pass, of a number given.

    Args:
        seconds: how many there are.
        now: what tells the time.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._now, self._begun = seconds, now, now()

    @property
    def spent(self) -> float:
        """The seconds that have passed."""
        return self._now() - self._begun

    @property
    def left(self) -> float:
        """The seconds that are left; below 0 once they are over."""
        return self.seconds - self.spent


class OutOfTime(Exception):  # noqa: N818 (it is no error: the time is over)
    """Raised between two steps where the time for them is over."""


class Timed:
    """An engine that stops when its time is over.

    Args:
        engine: what runs.
        net: its network.
        clock: what tells the time.
        until: the second on the clock at which to stop.
        patient: whether to stop only once it has been asked for logits, late as that may be.

    Attributes:
        judged: the network's arrays as they were when they were last asked for logits; where the
            mean of the weights is judged, it is that.
    """

    def __init__(
        self, engine: Engine, net: Network, clock: Clock, until: float, patient: bool = False
    ) -> None:
        self.engine, self.net, self.clock = engine, net, clock
        self.until, self.patient = until, patient
        self.judged: dict[str, Array] = {}
        self.optimizer_state, self.step = engine.optimizer_state, engine.step

    @property
    def steps(self) -> int:
        """The number of updates made so far."""
        return self.engine.steps

    @steps.setter
    def steps(self, count: int) -> None:
        self.engine.steps = count

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out.

        Raises:
            OutOfTime: if the time is over before the first.
        """
        if self.clock.spent >= self.until and (self.judged or not self.patient):
            raise OutOfTime
        return self.engine.run(batches)

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        self.judged = self.net.snapshot()
        return self.engine.logits(X)
