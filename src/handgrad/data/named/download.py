"""The files of a source from the network: mirrors in turn, checked before they get their name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from handgrad.data.named.digests import check_file
from handgrad.data.named.locate import VARIABLE, find
from handgrad.data.named.sources import File, Source
from handgrad.data.named.transfer import Terms, TransferError, transfer
from handgrad.errors import DataError, StorageError

_PATIENCE = 1.0  # seconds of waiting in silence
_MARGIN = 1 << 16  # gzip adds a few bytes to what it cannot compress


def download(
    source: Source, folder: Path, *, progress: bool | None = None, terms: Terms = Terms()
) -> None:
    """Bring into a folder those files of a source that are missing there, or not right.

    One process at a time works in a folder; the others say that they wait, and then find the
    files there. A file has a temporary name until its digest is known to be right.

    Args:
        source: what to bring.
        folder: where to; it is made where it does not exist.
        progress: whether to show a bar on stderr; None: where that is a terminal. With False
            nothing is said of waiting either.
        terms: how the mirrors may be asked.

    Raises:
        DataError: if no mirror gives a right file.
        StorageError: if the folder cannot be written to.
    """
    with _writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder, quiet=progress is False):
            for file in source.files:
                here = find(folder, file)
                if here is None or not check_file(file, here).ok:
                    _bring(source, file, folder, progress, terms)


def _bring(source: Source, file: File, folder: Path, progress: bool | None, terms: Terms) -> None:
    """Bring one file from the first mirror that gives it right."""
    failures = []
    temporary = folder / f".{file.name}.part"
    for mirror in source.mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            transfer(url, temporary, file.size + _MARGIN, progress=progress, terms=terms)
            _accept(file, temporary, folder)
        except TransferError as error:
            failures.append(f"{urlsplit(url).netloc}: {error}")
        else:
            return
        finally:
            temporary.unlink(missing_ok=True)
    raise DataError(
        f"{source.name} could not be downloaded ({file.name}.gz from {', '.join(failures)}); "
        f"try again with a network, or set {VARIABLE} to a folder with the files in {source.name}/"
    )


def _accept(file: File, temporary: Path, folder: Path) -> None:
    """Give a file its name, if it is right."""
    check = check_file(file, temporary)
    if not check.ok:
        raise TransferError(f"the file is {check.state}, not the published one")
    os.replace(temporary, folder / f"{file.name}.gz")


@contextmanager
def _alone_in(folder: Path, *, quiet: bool) -> Iterator[None]:
    """Wait for other processes that work in a folder, and keep them out."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        if not quiet:
            print(f"another process is downloading to {folder}; waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a StorageError."""
    try:
        yield
    except (OSError, NotImplementedError) as error:  # the second where the disk has no locks
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise StorageError(
            f"cannot write to {folder} ({reason}); make it writable, or set {VARIABLE} to a folder "
            "with the files"
        ) from None
