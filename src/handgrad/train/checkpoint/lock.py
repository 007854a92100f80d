"""A file that one process holds at a time: the system takes it back, however the process ends."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class Lock:
    """A lock that other processes see.

    Args:
        path: the file; it stays when nobody holds it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=0)

    def take(self) -> bool:
        """Take it, and say so; or say that somebody else has it.

        Raises:
            OSError: if the file cannot be written.
        """
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Let others have it."""
        self._lock.release()
