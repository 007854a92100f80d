"""Writes files atomically: a reader sees either the old file or the complete new file."""

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
from handgrad.posix import sync_folder

# The forms of a user's own images, for help texts and error messages. docs/data.md explains them.
DATA_FORMS = (
    "a folder of images, a table (CSV, TSV or Parquet), an array file (NPZ, NPY or MAT), or a "
    "folder with such files"
)

_TEMPORARY = re.compile(r"\..+-[0-9a-f]{8}(\.\w+)?")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; the file written there then replaces `path`.

    The folder is created if it is missing. If the `with` block raises, the temporary file is
    removed and `path` is unchanged.

    Raises:
        StorageError: if the file cannot be written.
    """
    if not path.name:
        raise StorageError(f"{path} is not a file name; give the path of the file to write")
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another path or free some space"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_is_file(path: Path) -> None:
    """Raise an OSError unless a path is a regular file: opening a pipe may block forever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a file but a pipe, a socket or a device", str(path))


def check_can_write(path: Path) -> None:
    """Check before a long computation that a file can be written; create its folder if missing.

    Raises:
        StorageError: if the file cannot be written.
    """
    if not path.name or path.is_dir():
        raise StorageError(f"{path} is not a file name; give the path of the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another path or free some space"
        ) from error


def check_apart(output: Path, inputs: Iterable[Path]) -> None:
    """Raise a ConfigError if the output file is one of the input files."""
    for path in inputs:
        with suppress(OSError):
            if output.samefile(path):
                raise ConfigError(f"{output} is an input file; choose a different output file")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Expand a leading ~ or ~user in a path; leave ~user unchanged if the user is unknown."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def sweep(folder: Path, age: float = 0.0) -> None:
    """Remove the temporary files left by processes that were killed while writing.

    Args:
        folder: the folder to clean up. If `age` is 0, no other process may write to the folder at
            the same time.
        age: the minimum age of the files to remove, in seconds.
    """
    for path in folder.glob(".*"):
        with suppress(OSError):
            young = age and time.time() - path.stat().st_mtime < age
            if is_temporary(path) and not young:
                path.unlink()


def is_temporary(path: Path) -> bool:
    """Return whether a path has the name of a temporary file that `replacing` made."""
    return _TEMPORARY.fullmatch(path.name) is not None


def _flush(path: Path) -> None:
    """Flush a file from the operating system's cache to the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
