"""The thread tuner, which measures whether all workers together or one alone is faster."""

from __future__ import annotations

import math
import time

from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.thread_pool import run_uninterruptible

_SLICE_SECONDS = 0.03  # the work between two choices
_FIRST_SLICE_STEPS = 8  # the length of a slice before any step was timed
_FIRST_RETRY, _LONGEST_RETRY = 4, 64  # slices until the slower choice is timed again


class ThreadTuner:
    """Chooses between all workers and one worker, based on the duration of recent steps.

    Workers wait for each other at every barrier, many thousands of times per second. If another
    process occupies one of the workers' cores, all workers must wait, so a single worker is faster.
    The result of training does not depend on the number of workers, so the number may change after
    each slice. A slice is a series of consecutive steps.

    Args:
        workers: the maximum number of workers.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._seconds_per_step = {workers: math.inf, 1: math.inf}
        self._slices_to_retry, self._retry_interval = 0, _FIRST_RETRY

    def choose(self) -> int:
        """Choose the number of workers for the next slice."""
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
        """Return the number of steps in the next slice, given the number of workers."""
        seconds = self._seconds_per_step[workers]
        known = min(self._seconds_per_step.values()) if seconds == math.inf else seconds
        return _FIRST_SLICE_STEPS if known == math.inf else max(1, int(_SLICE_SECONDS / known))

    def record(self, workers: int, steps: int, seconds: float) -> None:
        """Store the duration of a slice, which replaces that of the slice before it."""
        self._seconds_per_step[workers] = seconds / steps


def run_in_slices(program: Program, count: int, tuner: ThreadTuner) -> bool:
    """Run steps in slices, and let the tuner choose the number of workers for each slice.

    Ctrl-C takes effect between two slices.

    Args:
        program: the program.
        count: the number of steps.
        tuner: the tuner that chooses the number of workers.

    Returns:
        True if all steps ran, or False if a step produced a non-finite value.
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
