"""Writing files so that a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from handgrad.errors import ConfigError, StorageError

_TEMPORARY = re.compile(r"\..+-[0-9a-f]{8}(\.\w+)?")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place at the end.

    The folder is made if it is missing. If the block raises, nothing is left behind and `path`
    is as it was.

    Raises:
        StorageError: if the file cannot be written.
    """
    if not path.name:
        raise StorageError(f"{path} names no file; give the path of the file to write")
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        if os.name == "posix":
            _flush(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another place or make room"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_is_file(path: Path) -> None:
    """Raise an OSError unless a path is a file: to open a pipe or a device may take for ever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a file but a pipe, a socket or a device", str(path))


def check_can_write(path: Path) -> None:
    """Find out before long work whether a file can be written; its folder is made if missing.

    Raises:
        StorageError: if it cannot.
    """
    if not path.name or path.is_dir():
        raise StorageError(f"{path} names no file; give the path of the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another place or make room"
        ) from error


def check_apart(output: Path, inputs: Iterable[Path]) -> None:
    """Raise a ConfigError if what is to be written would take the place of a file that is read."""
    for path in inputs:
        with suppress(OSError):
            if output.samefile(path):
                raise ConfigError(f"{output} is what is read, and is kept; give another file")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path whose name may begin with a tilde; nobody's home is taken as it is called."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def sweep(folder: Path, age: float = 0.0) -> None:
    """Remove what processes left in a folder that were killed while they wrote to it.

    Args:
        folder: the folder. Without an age, one in which nobody else is writing.
        age: the seconds for which nobody has written to what is removed.
    """
    for path in folder.glob(".*"):
        with suppress(OSError):
            young = age and time.time() - path.stat().st_mtime < age
            if is_temporary(path) and not young:
                path.unlink()


def is_temporary(path: Path) -> bool:
    """Say whether a path is one that `replacing` gives."""
    return _TEMPORARY.fullmatch(path.name) is not None


def _flush(path: Path) -> None:
    """Have the system put a file, or a folder's list of names, on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
