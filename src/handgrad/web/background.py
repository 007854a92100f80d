"""A computation in a thread of the server, which the page polls while it runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from handgrad.errors import HandgradError
from handgrad.web.endpoint import FAILED, without_paths

R = TypeVar("R")
PATIENCE = 0.4  # seconds that a poll waits for the end of a short computation

_log = logging.getLogger("handgrad")


class Stopped(BaseException):
    """The computation was stopped. It is not an `Exception`, so that nothing else catches it."""


class Computation(Generic[R]):
    """A computation in a thread, which starts at once.

    Args:
        compute: a function that is given this computation, calls its `report` at least every half
            second, and returns the result.

    Attributes:
        done: how much is done, in units of the computation.
        total: how much there is to do, in the same units; 0 if this is not known yet.
        error: one sentence if the computation failed, otherwise "".
    """

    def __init__(self, compute: Callable[[Computation[R]], R]) -> None:
        self.done, self.total, self.error = 0, 0, ""
        self._compute, self._result = compute, list[R]()
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handgrad computation", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the computation ended, with a result or an error."""
        return bool(self._result or self.error)

    @property
    def result(self) -> R:
        """The result.

        Raises:
            HandgradError: if the computation failed or has not ended.
        """
        if not self._result:
            raise HandgradError(self.error or "this is still being computed; ask again")
        return self._result[0]

    def report(self, done: int, total: int) -> None:
        """Say how much of the computation is done. Raise `Stopped` if it must end."""
        self.done, self.total = done, total
        if self._is_stopped.is_set():
            raise Stopped

    def poll(self) -> dict[str, Any]:
        """Wait a moment for the end, and return the progress and any error as JSON data."""
        self._thread.join(PATIENCE)
        return {
            "is_over": self.is_over,
            "done": self.done,
            "total": self.total,
            "error": without_paths(self.error),
        }

    def stop(self, seconds: float = 1.0) -> None:
        """Ask the computation to end, and wait for its end, but at most the given time."""
        self._is_stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._result.append(self._compute(self))
        except Stopped:
            self.error = "the computation was stopped"
        except HandgradError as error:
            self.error = str(error)
        except Exception:
            _log.exception("handgrad: a computation for the page failed")
            self.error = FAILED


class Computations(Generic[R]):
    """Computations by a key. A computation is started once, and its result is kept.

    Args:
        kept: how many computations are kept; the oldest is stopped and forgotten first.
    """

    def __init__(self, kept: int) -> None:
        self._kept, self._started = kept, dict[object, Computation[R]]()
        self._lock = threading.Lock()

    def start(self, key: object, compute: Callable[[Computation[R]], R]) -> Computation[R]:
        """Return the computation with a key; start it if there is none, or if it failed."""
        with self._lock:
            computation = self._started.get(key)
            if computation is None or computation.error:
                self._started.pop(key, None)
                while len(self._started) >= self._kept:
                    self._started.pop(next(iter(self._started))).stop()
                computation = self._started[key] = Computation(compute)
            return computation

    def get(self, key: object) -> Computation[R] | None:
        """Return the computation with a key, or None if it was not started."""
        with self._lock:
            return self._started.get(key)

    def stop(self) -> None:
        """Stop all computations."""
        with self._lock:
            for computation in self._started.values():
                computation.stop()
