"""Find the files of a named data set on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from handgrad.data.folders import cache_folder, data_folder
from handgrad.data.named.sources import File, Source
from handgrad.errors import DataError
from handgrad.files import expanded


def locate(source: Source, data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder that holds all files of a data set, or None if no folder does.

    Args:
        source: the data set.
        data_dir: the only folder to look in, itself or its subfolder of that name; None: look in
            that subfolder of $HANDGRAD_DATA, then of the cache.

    Raises:
        DataError: if `data_dir` lacks a file, HANDGRAD_DATA is not a folder, or the user has no
            home folder and HANDGRAD_DATA is unset.
    """
    if data_dir is not None:
        return _locate_in(expanded(data_dir), source)
    shared = data_folder()
    if shared is not None and not _missing(shared / source.name, source):
        return shared / source.name
    cache = cache_folder()
    return None if _missing(cache / source.name, source) else cache / source.name


def find(folder: Path, file: File) -> Path | None:
    """Return the path of a file in a folder, gzipped or plain, or None."""
    gzipped, plain = folder / f"{file.name}.gz", folder / file.name
    try:
        return next((path for path in (gzipped, plain) if path.is_file()), None)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}); choose another folder"
        ) from None


def _locate_in(folder: Path, source: Source) -> Path:
    """Return the folder itself or its subfolder, whichever holds the data set."""
    subfolder = folder / source.name
    for candidate in (subfolder, folder):
        if not _missing(candidate, source):
            return candidate
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds {source.name}")
    nearest = subfolder if subfolder.is_dir() else folder
    missing = ", ".join(f"{file.name}.gz" for file in _missing(nearest, source))
    raise DataError(
        f"{nearest} does not hold all of {source.name}: {missing} missing; "
        "add what is missing, plain or gzipped, or leave the folder out to download it"
    )


def _missing(folder: Path, source: Source) -> list[File]:
    """Return the files that a folder does not hold."""
    return [file for file in source.files if find(folder, file) is None]
