"""The table of readers, and the functions that choose one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from handgrad.data.formats import file_table, idx_folder, image_folder, npz, pixel_table
from handgrad.data.formats.reader import TEST, VALIDATION, Contents, FileList, Reader, Splits
from handgrad.errors import DataError

__all__ = ["READERS", "TEST", "VALIDATION", "as_file_lists", "list_images", "read_contents"]

# The first reader that accepts a path reads it. `image_folder` accepts every path, so it is last.
READERS: tuple[Reader, ...] = (idx_folder, npz, pixel_table, file_table, image_folder)

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


def read_contents(path: Path) -> Contents:
    """Read a file or folder with the first reader that accepts it.

    Raises:
        DataError: if the file or folder cannot be read.
    """
    if path.name.lower().endswith(_ARCHIVES) and path.is_file():
        raise DataError(f"{path} is an archive; unpack it, and give the folder")
    try:
        return next(reader for reader in READERS if reader.accepts(path)).read(path)
    except OSError as error:
        raise DataError(
            f"{error.filename or path} cannot be read ({error.strerror}); make it readable, or "
            "give another folder"
        ) from None


def list_images(path: Path) -> Mapping[str, FileList]:
    """List the image files of each split.

    Raises:
        DataError: if the path cannot be read, or contains arrays instead of image files.
    """
    files = as_file_lists(read_contents(path).splits)
    if files is None:
        raise DataError(f"{path} contains arrays, not image files; give a folder of images")
    return files


def as_file_lists(splits: Splits) -> Mapping[str, FileList] | None:
    """Return the splits unchanged if they list image files, or None if they contain arrays."""
    files = {name: split for name, split in splits.items() if isinstance(split, FileList)}
    return files if len(files) == len(splits) else None
