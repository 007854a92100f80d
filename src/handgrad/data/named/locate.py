"""Where the files of a source lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from handgrad.data.named.sources import File, Source
from handgrad.errors import DataError
from handgrad.files import expanded

VARIABLE = "HANDGRAD_DATA"


def locate(source: Source, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder that holds all files of a source; None: it is not on this machine.

    Args:
        source: what to look for.
        folder: the only place to look in, itself or its subfolder of the source's name; None:
            look in that subfolder of the folder that HANDGRAD_DATA names, then of the cache.

    Raises:
        DataError: if `folder` lacks a file, HANDGRAD_DATA names no folder, or there is neither
            that nor a home folder.
    """
    if folder is not None:
        return _inside(expanded(folder), source)
    shared = data_folder()
    if shared is not None and not _lacking(shared / source.name, source):
        return shared / source.name
    cache = cache_folder()
    return None if _lacking(cache / source.name, source) else cache / source.name


def find(folder: Path, file: File) -> Path | None:
    """Return where a file lies in a folder, gzipped or plain; None: it does not."""
    gzipped, plain = folder / f"{file.name}.gz", folder / file.name
    try:
        return next((path for path in (gzipped, plain) if path.is_file()), None)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}); choose another folder"
        ) from None


def data_folder() -> Path | None:
    """Return the folder that HANDGRAD_DATA names; None: it is unset.

    Raises:
        DataError: if it names no folder.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = expanded(named)
    try:
        found = folder.is_dir()
    except OSError:
        found = False
    if not found:
        raise DataError(f"{VARIABLE} names {folder}, which is no folder; correct it or unset it")
    return folder


def cache_folder() -> Path:
    """Return the folder that downloads go to; it need not exist.

    Raises:
        DataError: if this user has no home folder.
    """
    from platformdirs import user_cache_path  # a twentieth of a second, seldom needed

    try:
        return user_cache_path("handgrad", appauthor=False)
    except RuntimeError:
        raise DataError(
            f"there is no home folder to look for data in; set HOME, or set {VARIABLE} to a "
            "folder with the data"
        ) from None


def _inside(folder: Path, source: Source) -> Path:
    """Return the folder itself or its subfolder, whichever holds the source."""
    below = folder / source.name
    for place in (below, folder):
        if not _lacking(place, source):
            return place
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; name one that holds {source.name}")
    nearest = below if below.is_dir() else folder
    missing = ", ".join(f"{file.name}.gz" for file in _lacking(nearest, source))
    raise DataError(
        f"{nearest} does not hold all of {source.name}: {missing} missing; "
        "add what is missing, plain or gzipped, or leave the folder out to download it"
    )


def _lacking(folder: Path, source: Source) -> list[File]:
    """Return the files that a folder does not have."""
    return [file for file in source.files if find(folder, file) is None]
