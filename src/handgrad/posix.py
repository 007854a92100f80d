"""Functions that only POSIX systems have: forks, alarm timers, user ids, and syncing folders.

No other module calls these functions of Python's standard library. On other systems, the functions
here do nothing, or report that the feature is missing. A port to Windows changes only this module.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

# Ctrl-C, a closed terminal, and a request to end.
TERMINATION_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGTERM") if hasattr(signal, name)
]

HAS_ALARM = hasattr(signal, "setitimer")


def at_fork(
    *,
    before: Callable[[], object] | None = None,
    after_in_parent: Callable[[], object] | None = None,
    after_in_child: Callable[[], object] | None = None,
) -> None:
    """Register functions that run when this process forks."""
    calls = {
        "before": before,
        "after_in_parent": after_in_parent,
        "after_in_child": after_in_child,
    }
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**{name: call for name, call in calls.items() if call is not None})


def set_alarm(seconds: float, handler: Any) -> None:
    """Set an alarm that calls a handler after some seconds; it replaces an earlier alarm."""
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def alarm() -> tuple[float, Any]:
    """Return the seconds until the alarm (0 without an alarm), and the alarm's handler."""
    return signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM)


def ignore_alarm() -> None:
    """Ignore the alarm signal from now on."""
    if HAS_ALARM:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def belongs_to_others(status: os.stat_result) -> bool:
    """Return whether a file belongs to another user who is not root."""
    return hasattr(os, "getuid") and status.st_uid not in (os.getuid(), 0)


def is_writable_by_others(status: os.stat_result) -> bool:
    """Return whether other users may write to a file."""
    return hasattr(os, "getuid") and bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to the disk."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
