"""The table of readers, and the functions that choose one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from handgrad.data.formats import (
    array_files,
    encoded_images,
    file_table,
    idx_folder,
    image_folder,
    mat,
    npz,
    pixel_table,
    table_folder,
    unsupported,
)
from handgrad.data.formats.reader import (
    TEST,
    VALIDATION,
    Contents,
    FileList,
    Reader,
    Splits,
    with_normalized_labels,
)
from handgrad.errors import DataError

__all__ = [
    "READERS",
    "TEST",
    "VALIDATION",
    "as_file_lists",
    "list_images",
    "read_contents",
    "read_labelled",
]

# The first reader that accepts a path reads it. `image_folder` accepts every path, so it is last.
# The order of the others matters where several accept one folder: a table that lists the images in
# it comes before the images, and images come before a table of pixels.
READERS: tuple[Reader, ...] = (
    idx_folder,
    array_files,
    npz,
    mat,
    file_table,
    encoded_images,
    pixel_table,
    table_folder,
    unsupported,
    image_folder,
)


def read_contents(path: Path) -> Contents:
    """Read a file or folder with the first reader that accepts it.

    Labels that differ only in their Unicode normalization form become equal.

    Raises:
        DataError: if the file or folder cannot be read.
    """
    try:
        reader = next(reader for reader in READERS if reader.accepts(path))
        return with_normalized_labels(reader.read(path))
    except OSError as error:
        raise DataError(
            f"{error.filename or path} cannot be read ({error.strerror}); make it readable, or "
            "give another folder"
        ) from None


def read_labelled(path: Path) -> Contents:
    """Read a file or folder like `read_contents`, and check that it has labels.

    Raises:
        DataError: if the file or folder cannot be read, or contains only images to predict.
    """
    contents = read_contents(path)
    if not contents.splits:
        raise DataError(
            f"{path} has no labels, so its images can only be predicted, with `handgrad predict`; "
            "add labels to train or evaluate on them"
        )
    return contents


def list_images(path: Path) -> Mapping[str, FileList]:
    """List the image files of each split.

    Raises:
        DataError: if the path cannot be read, or contains arrays instead of image files.
    """
    files = as_file_lists(read_labelled(path).splits)
    if files is None:
        raise DataError(f"{path} contains arrays, not image files; give a folder of images")
    return files


def as_file_lists(splits: Splits) -> Mapping[str, FileList] | None:
    """Return the splits unchanged if they list image files, or None if they contain arrays."""
    files = {name: split for name, split in splits.items() if isinstance(split, FileList)}
    return files if len(files) == len(splits) else None
