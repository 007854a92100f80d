"""Find the files in a folder and in the folders below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from handgrad.data.formats.folder_tree import entries_of, is_image


def visible_files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield all files in a folder and its subfolders in sorted order, as `scan` finds them.

    Unlike `scan`, the function reads a folder only when its files are needed.

    Raises:
        OSError: if a folder cannot be read.
    """
    above = (*above, Path(os.path.realpath(folder)))
    for path, is_folder in entries_of(folder, above):
        if is_folder:
            yield from visible_files(path, above)
        else:
            yield path


def contains_images(folder: Path) -> bool:
    """Return whether there is an image file in a folder or below it, according to its name."""
    return any(map(is_image, visible_files(folder)))
