"""The folders from which data is read and to which it is downloaded."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from handgrad.errors import DataError
from handgrad.files import DATA_FORMS, expanded

VARIABLE = "HANDGRAD_DATA"
_SUFFIXES = (".csv", ".tsv", ".gz", ".parquet", ".npz", ".npy", ".mat")
_NAMES = 10  # the number of names in an error message


def data_folder() -> Path | None:
    """Return the folder that the environment variable HANDGRAD_DATA names, or None if it is unset.

    Raises:
        DataError: if HANDGRAD_DATA does not name a folder.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    folder = expanded(value)
    try:
        exists = folder.is_dir()
    except OSError:
        exists = False
    if not exists:
        raise DataError(f"{VARIABLE} is {folder}, which is not a folder; correct it or unset it")
    return folder


def cache_folder() -> Path:
    """Return the folder for downloads, which may not exist yet.

    Raises:
        DataError: if this user has no home folder.
    """
    from platformdirs import user_cache_path  # the import takes 50 ms and is seldom needed

    try:
        return user_cache_path("handgrad", appauthor=False)
    except RuntimeError:
        raise DataError(
            f"there is no home folder to look for data in; set HOME, or set {VARIABLE} to a "
            "folder with the data"
        ) from None


def describe_neighbours(path: Path) -> str:
    """Describe, for an error message, what the parent folder of a missing path contains.

    >>> describe_neighbours(Path("/no/such/folder"))
    ''
    """
    names = data_paths(path.parent)
    if not names:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    hint = f"; did you mean {path.parent / near[0]}?" if near else ""
    more = ", ..." if len(names) > _NAMES else ""
    place = "this folder" if path.parent == Path() else path.parent
    return f"{hint}; {place} contains {', '.join(names[:_NAMES])}{more}"


def check_exists(path: Path) -> None:
    """Check that the path of the user's own images exists.

    Raises:
        DataError: if the path is neither a file nor a folder; the message lists the contents of its
            parent folder.
    """
    try:
        exists = path.is_dir() or path.is_file()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give another path") from None
    if not exists:
        raise DataError(
            f"there is no file or folder {path}{describe_neighbours(path)}; give "
            f"{DATA_FORMS}, or a name that `handgrad data list` shows"
        )


def data_paths(folder: Path) -> list[str]:
    """Return the names of the folders, tables and array files in a folder, except hidden ones."""
    try:
        return sorted(
            entry.name
            for entry in os.scandir(folder)
            if not entry.name.startswith(".")
            and (entry.is_dir() or entry.name.lower().endswith(_SUFFIXES))
        )
    except OSError:
        return []
