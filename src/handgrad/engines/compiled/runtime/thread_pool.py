"""Limits the worker threads of a process, and runs work that signals must not interrupt."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from weakref import WeakSet

from handgrad.posix import at_fork

_lock = threading.Lock()
_busy_threads = 0


class _ForkAware(Protocol):
    """An object that has a method to reset it in a forked child process."""

    def reset_after_fork(self) -> None: ...


_fork_aware: WeakSet[_ForkAware] = WeakSet()


@contextmanager
def reserve_threads(wanted: int, limit: int) -> Iterator[int]:
    """Reserve threads from the budget of this process, and yield the number granted.

    The calling thread always counts as granted. Additional threads are granted only if the total
    number of reserved threads in this process stays within the limit.

    Args:
        wanted: the preferred number of threads, including the caller's.
        limit: the maximum number of threads that may run at the same time in this process.
    """
    global _busy_threads  # noqa: PLW0603 (a process has one set of cores)
    with _lock:
        count = max(1, min(wanted, limit - _busy_threads))
        _busy_threads += count
    try:
        yield count
    finally:
        with _lock:
            _busy_threads -= count


def run_uninterruptible(work: Callable[[], bool]) -> None:
    """Run work piece by piece, so that signals such as Ctrl-C take effect only between pieces.

    Python handles signals in the main thread, and interrupts the code that the main thread is
    running. Therefore, if this function is called on the main thread, all pieces run on one
    background thread while the main thread waits. All pieces use the same thread, because a new
    thread could start on a core whose caches do not contain the data.

    Args:
        work: a function that runs one piece, and returns whether more pieces follow.
    """
    if threading.current_thread() is not threading.main_thread():
        while work():
            pass
        return
    task = _BackgroundTask(work)
    try:
        start(task.run)
        task.finished.acquire()
    except RuntimeError:  # the system has no more threads
        task.run()
    finally:
        task.stop_requested = True
        while not task.is_done:
            with suppress(KeyboardInterrupt, SystemExit):  # one is being raised already
                task.cancel()
    if task.error is not None:
        raise task.error


def start(work: Callable[..., None], *arguments: Any) -> None:
    """Start a thread with one C call, because `threading.Thread.start` may hang if interrupted.

    Raises:
        RuntimeError: if the system cannot start another thread.
    """
    _thread.start_new_thread(work, arguments)


class _BackgroundTask:
    """A task for another thread, which consists of pieces; a piece is never run in part.

    Attributes:
        finished: a lock that is released when the task ends.
        is_done: whether the task has ended or was cancelled.
        stop_requested: whether the task must stop after its current piece.
        error: the exception that the work raised.
    """

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work, self._running = work, threading.RLock()
        self.finished, self.is_done, self.stop_requested = acquired_lock(), False, False
        self.error: BaseException | None = None

    def run(self) -> None:
        """Run all pieces, unless the task was cancelled before it started."""
        with self._running:
            try:
                while not self.is_done and self._work():
                    self.is_done = self.stop_requested
            except BaseException as error:  # raised again in the thread that waits
                self.error = error
            self.is_done = True
            self.finished.release()

    def cancel(self) -> None:
        """Prevent the task from starting or, if it has started, wait for its current piece."""
        with self._running:
            self.is_done = True


def acquired_lock() -> threading.Lock:
    """Return an acquired lock, which another thread will release."""
    lock = threading.Lock()
    lock.acquire()
    return lock


def register_after_fork(instance: _ForkAware) -> None:
    """Call an object's `reset_after_fork` in every forked child while the object exists."""
    _fork_aware.add(instance)


def _reset_after_fork() -> None:
    """Reset the thread budget in a forked child, where only the forking thread exists."""
    global _busy_threads, _lock
    _busy_threads, _lock = 0, threading.Lock()
    for instance in list(_fork_aware):
        instance.reset_after_fork()


at_fork(after_in_child=_reset_after_fork)
