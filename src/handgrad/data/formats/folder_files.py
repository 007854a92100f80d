"""Find the files in a folder and in the folders below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from handgrad.data.formats.folder_tree import is_folder, is_image, leads_back

_MAX_DEPTH = 20  # folders


def visible_files(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield all files in a folder and its subfolders in sorted order, except hidden ones.

    Raises:
        OSError: if a folder cannot be read.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if not is_folder(entry):
            yield Path(entry.path)
        elif depth < _MAX_DEPTH and not leads_back(entry):
            yield from visible_files(Path(entry.path), depth + 1)


def contains_images(folder: Path) -> bool:
    """Return whether there is an image file in a folder or below it, according to its name."""
    return any(map(is_image, visible_files(folder)))
