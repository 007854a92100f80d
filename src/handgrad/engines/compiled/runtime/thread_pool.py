"""The threads at work in this process: as many as there are cores, and none is left waiting."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from weakref import WeakSet

from handgrad.posix import at_fork

_lock = threading.Lock()
_at_work = 0


class _Forked(Protocol):
    """What has to know that it is in a forked child."""

    def begin_anew(self) -> None: ...


_forked: WeakSet[_Forked] = WeakSet()


@contextmanager
def crew(wanted: int, most: int) -> Iterator[int]:
    """Give how many threads may run a program now, the caller's among them.

    The caller is there anyway and may always work; others only as far as there is room beside
    the crews of other threads.

    Args:
        wanted: how many would be best.
        most: how many may be at work in all.
    """
    global _at_work  # noqa: PLW0603 (the process has but one set of cores)
    with _lock:
        count = max(1, min(wanted, most - _at_work))
        _at_work += count
    try:
        yield count
    finally:
        with _lock:
            _at_work -= count


def unbroken(work: Callable[[], bool]) -> None:
    """Do work piece by piece, and raise what a signal asks for only between two pieces.

    Signals reach the main thread, in the middle of whatever it does. So another thread does the
    work there, all of it, for threads that are begun anew for each piece begin on a cold core;
    and the main thread only waits.

    Args:
        work: does one piece, and says whether there is more.
    """
    if threading.current_thread() is not threading.main_thread():
        while work():
            pass
        return
    errand = _Errand(work)
    try:
        start(errand.do)
        errand.end.acquire()
    except RuntimeError:  # the system has no more threads
        errand.do()
    finally:
        errand.is_hurried = True
        while not errand.is_over:
            with suppress(KeyboardInterrupt, SystemExit):  # one is on its way already
                errand.give_up()
    if errand.error is not None:
        raise errand.error


def start(work: Callable[..., None], *arguments: Any) -> None:
    """Start a thread, in one call of C: a `Thread` that is interrupted in `start` may hang.

    Raises:
        RuntimeError: where the system has no more threads.
    """
    _thread.start_new_thread(work, arguments)


class _Errand:
    """Work for another thread: each piece of it is done, or will never be begun.

    Attributes:
        end: a lock that is open when it is over.
        is_over: whether it is done, or given up.
        is_hurried: whether the piece at hand is to be the last.
        error: what it raised.
    """

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work, self._turn = work, threading.RLock()
        self.end, self.is_over, self.is_hurried = closed_lock(), False, False
        self.error: BaseException | None = None

    def do(self) -> None:
        """Do the work, unless it was given up."""
        with self._turn:
            try:
                while not self.is_over and self._work():
                    self.is_over = self.is_hurried
            except BaseException as error:  # it is for the thread that asked
                self.error = error
            self.is_over = True
            self.end.release()

    def give_up(self) -> None:
        """Have it never begin; where it has begun, wait for the end of its piece."""
        with self._turn:
            self.is_over = True


def closed_lock() -> threading.Lock:
    """Return a lock for another thread to open."""
    lock = threading.Lock()
    lock.acquire()
    return lock


def mind_forks(what: _Forked) -> None:
    """Have an object begin anew in each forked child, for as long as it lives."""
    _forked.add(what)


def _begin_anew() -> None:
    """Forget, in a forked child, the threads that were left behind."""
    global _at_work, _lock
    _at_work, _lock = 0, threading.Lock()
    for what in list(_forked):
        what.begin_anew()


at_fork(after_in_child=_begin_anew)
