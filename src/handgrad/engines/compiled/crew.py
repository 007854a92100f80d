"""The threads at work in this process: no program takes helpers beyond the cores that are free."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_at_work = 0


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


def _begin_anew() -> None:
    """Forget, in a forked child, the threads that were left behind."""
    global _at_work, _lock
    _at_work, _lock = 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
