"""The thread-count autotuner: measures whether all workers or one are faster, and switches."""

from __future__ import annotations

import math
import time

from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.thread_pool import run_uninterruptible

_SLICE_SECONDS = 0.03  # the work between two choices
_FIRST_SLICE_STEPS = 8  # the length of a slice before any step was timed
_FIRST_RETRY, _LONGEST_RETRY = 4, 64  # slices until the slower choice is timed again


class ThreadTuner:
    """Chooses between all workers and one worker, from the time that recent steps took.

    Workers wait for each other at every barrier, many thousand times a second. If another process
    needs one of their cores, all workers stall with it, and a single worker is faster. The result
    does not depend on the number of workers, so the choice may change between any two slices.

    Args:
        workers: the largest number of workers.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._seconds_per_step = {workers: math.inf, 1: math.inf}
        self._slices_to_retry, self._retry_interval = 0, _FIRST_RETRY

    def choose(self) -> int:
        """Return the number of workers for the next slice."""
        seconds = self._seconds_per_step
        best = min(seconds, key=lambda workers: seconds[workers])
        untimed = [workers for workers, time in seconds.items() if time == math.inf]
        if untimed:
            return untimed[0]
        self._slices_to_retry -= 1
        if self._slices_to_retry >= 0:
            return best
        self._slices_to_retry = self._retry_interval
        self._retry_interval = min(2 * self._retry_interval, _LONGEST_RETRY)
        return next((workers for workers in seconds if workers != best), best)

    def slice_steps(self, workers: int) -> int:
        """Return the number of steps in a slice."""
        seconds = self._seconds_per_step[workers]
        known = min(self._seconds_per_step.values()) if seconds == math.inf else seconds
        return _FIRST_SLICE_STEPS if known == math.inf else max(1, int(_SLICE_SECONDS / known))

    def record(self, workers: int, steps: int, seconds: float) -> None:
        """Record the time of a slice. It replaces the last time, as the first slice is cold."""
        self._seconds_per_step[workers] = seconds / steps


def run_in_slices(program: Program, count: int, tuner: ThreadTuner) -> bool:
    """Run steps in slices, each with as many workers as the tuner chooses.

    Ctrl-C takes effect between two slices.

    Args:
        program: the program.
        count: the number of steps.
        tuner: chooses the number of workers.

    Returns:
        True if all steps ran; False if one met a number that is not finite.
    """
    remaining, succeeded = count, True

    def run_slice() -> bool:
        nonlocal remaining, succeeded
        workers = tuner.choose()
        steps = min(remaining, tuner.slice_steps(workers))
        started = time.perf_counter()
        succeeded = program.run(steps, workers)
        if succeeded:
            tuner.record(workers, steps, time.perf_counter() - started)
            remaining -= steps
        return succeeded and remaining > 0

    run_uninterruptible(run_slice)
    return succeeded
