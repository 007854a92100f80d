"""How many workers to use: all, unless one alone is faster at the moment."""

from __future__ import annotations

import math

_SLICE = 0.03  # seconds of work between two choices


class Pace:
    """Chooses between all workers and one, by how long each has taken lately.

    Workers wait for each other many thousand times a second. Where something else wants their
    cores, all of them stand still whenever one does, and one alone is faster. The result is the
    same whoever makes it, so that the choice may change at any time.

    Args:
        workers: how many there are.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._seconds = {workers: math.inf, 1: math.inf}  # for one step
        self._left, self._patience = 0, 4  # slices until the slower is tried once more

    def choose(self) -> int:
        """Return how many workers are to make the next slice."""
        best = min(self._seconds, key=lambda workers: self._seconds[workers])
        unknown = [workers for workers, seconds in self._seconds.items() if seconds == math.inf]
        if unknown:
            return unknown[0]
        self._left -= 1
        if self._left >= 0:
            return best
        self._left, self._patience = self._patience, min(2 * self._patience, 64)
        return next((workers for workers in self._seconds if workers != best), best)

    def steps(self, workers: int) -> int:
        """Return how many steps make a slice."""
        seconds = self._seconds[workers]
        known = min(self._seconds.values()) if seconds == math.inf else seconds
        return 8 if known == math.inf else max(1, int(_SLICE / known))

    def note(self, workers: int, steps: int, seconds: float) -> None:
        """Take note of how long a slice took; the last counts alone, for the first was cold."""
        self._seconds[workers] = seconds / steps
