"""Find the files of a built-in data set on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from handgrad.data.folders import cache_folder, data_folder
from handgrad.data.named.sources import File, Source
from handgrad.errors import DataError
from handgrad.files import expanded


def locate(source: Source, data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder that contains all files of a data set, or None if there is no such folder.

    Args:
        source: the data set.
        data_dir: the only folder to search, which contains the files or a subfolder named after
            the data set; or None to search for this subfolder in $HANDGRAD_DATA and in the cache.

    Raises:
        DataError: if a file is missing in `data_dir`, HANDGRAD_DATA is not a folder, or
            HANDGRAD_DATA is unset and the user has no home folder.
    """
    if data_dir is not None:
        return _locate_in(expanded(data_dir), source)
    shared = data_folder()
    if shared is not None and not _missing(shared / source.name, source):
        return shared / source.name
    cache = cache_folder()
    return None if _missing(cache / source.name, source) else cache / source.name


def find(folder: Path, file: File) -> Path | None:
    """Return the path of a file in a folder, gzipped or uncompressed, or None if it is missing."""
    gzipped, plain = folder / f"{file.name}.gz", folder / file.name
    try:
        return next((path for path in (gzipped, plain) if path.is_file()), None)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}); choose another folder"
        ) from None


def paths_of(folder: Path, source: Source) -> list[Path]:
    """Return the paths of a data set's files in the order of `source.files`.

    The files of EMNIST's digits, emnist-mnist-* or emnist-digits-*, take the place of MNIST's.
    """
    for files in _alternatives(source):
        paths = [find(folder, file) for file in files]
        if None not in paths:
            return [path for path in paths if path is not None]
    return []


def _alternatives(source: Source) -> list[list[File]]:
    """Return the files of a data set, and those of EMNIST that may replace them."""
    alternatives = [list(source.files)]
    if source.name == "mnist":
        for kind in ("mnist", "digits"):
            names = [f"emnist-{kind}-{file.name.replace('t10k', 'test')}" for file in source.files]
            pairs = zip(source.files, names, strict=True)
            alternatives.append([replace(file, name=name) for file, name in pairs])
    return alternatives


def _locate_in(folder: Path, source: Source) -> Path:
    """Return the folder itself or its subfolder, whichever contains the data set."""
    subfolder = folder / source.name
    for candidate in (subfolder, folder):
        if paths_of(candidate, source):
            return candidate
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that contains {source.name}")
    nearest = subfolder if subfolder.is_dir() else folder
    missing = ", ".join(f"{file.name}.gz" for file in _missing(nearest, source))
    raise DataError(
        f"{nearest} does not contain all of {source.name}: {missing} missing; "
        "add these files, gzipped or not, or do not give a folder, so that they are downloaded"
    )


def _missing(folder: Path, source: Source) -> list[File]:
    """Return the files of the data set that are missing from a folder."""
    return [file for file in source.files if find(folder, file) is None]
