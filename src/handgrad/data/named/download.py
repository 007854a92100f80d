"""Download the files of a built-in data set from its mirrors, and verify their checksums."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from handgrad.data.folders import VARIABLE
from handgrad.data.named.file_checks import check_file
from handgrad.data.named.locate import find
from handgrad.data.named.sources import File, Source
from handgrad.data.named.transfer import Limits, TransferError, transfer
from handgrad.errors import DataError, StorageError

_SILENT_WAIT = 1.0  # seconds to wait for another process before a message is printed
_MARGIN = 1 << 16  # gzip adds a few bytes to incompressible content


def download(
    source: Source, folder: Path, *, progress: bool | None = None, limits: Limits = Limits()
) -> None:
    """Download the files of a data set that are missing from a folder or have a wrong checksum.

    Only one process at a time downloads to a folder. Other processes report that they are waiting,
    and then use the downloaded files. A file has a temporary name until its checksum is verified.

    Args:
        source: the data set.
        folder: the folder to download to. It is created if it does not exist.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal. If `progress` is False, the function does not report either that it waits for
            another process.
        limits: the limits of each transfer.

    Raises:
        DataError: if no mirror provides a file with the right checksum.
        StorageError: if the folder cannot be written to.
    """
    with _storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, quiet=progress is False):
            for file in source.files:
                path = find(folder, file)
                if path is None or not check_file(file, path).ok:
                    _download_file(source, file, folder, progress, limits)


def _download_file(
    source: Source, file: File, folder: Path, progress: bool | None, limits: Limits
) -> None:
    """Download one file from the first mirror that provides the right content."""
    failures = []
    temporary = folder / f".{file.name}.part"
    for mirror in source.mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            transfer(url, temporary, file.size + _MARGIN, progress=progress, limits=limits)
            _accept(file, temporary, folder)
        except TransferError as error:
            failures.append(f"{urlsplit(url).netloc}: {error}")
        else:
            return
        finally:
            temporary.unlink(missing_ok=True)
    raise DataError(
        f"{source.name} could not be downloaded ({file.name}.gz from {', '.join(failures)}); "
        f"check the network and try again, or set {VARIABLE} to a folder that contains the files "
        f"in {source.name}/"
    )


def _accept(file: File, temporary: Path, folder: Path) -> None:
    """Rename a temporary file to its final name if its checksum is right."""
    check = check_file(file, temporary)
    if not check.ok:
        raise TransferError(f"the file differs from the published one: {check.state}")
    os.replace(temporary, folder / f"{file.name}.gz")


@contextmanager
def _locked(folder: Path, *, quiet: bool) -> Iterator[None]:
    """Lock a folder, after waiting for other processes that have locked it."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=_SILENT_WAIT)
    except Timeout:
        if not quiet:
            print(f"another process is downloading to {folder}; waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Convert errors that occur while writing to a StorageError."""
    try:
        yield
    except (
        OSError,
        NotImplementedError,
    ) as error:  # the second without file locks
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise StorageError(
            f"cannot write to {folder} ({reason}); make it writable, or set {VARIABLE} to a folder "
            "that already contains the files"
        ) from None
