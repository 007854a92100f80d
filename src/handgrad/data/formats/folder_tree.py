"""Scan a folder of images: the tree of its folders, images and other files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handgrad.data.formats.decode import SUFFIXES, looks_like_image
from handgrad.data.formats.reader import Skipped

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini")  # and all names that begin with a dot
# Suffixes of files that are not opened to see whether they contain an image.
_TEXT = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".md", ".xml", ".yaml", ".yml", ".py", ".ipynb")


@dataclass(frozen=True)
class Folder:
    """A folder with its content, except hidden files and files of the operating system.

    Attributes:
        path: the path of the folder.
        entries: the images, the other files and the folders in it, sorted by name.
    """

    path: Path
    entries: tuple[Path | Folder, ...]

    @cached_property
    def folders(self) -> list[Folder]:
        """The folders in this folder that contain images, directly or in a subfolder."""
        return [e for e in self.entries if isinstance(e, Folder) and next(e.images(), None)]

    @cached_property
    def own_images(self) -> list[Path]:
        """The images that are directly in this folder."""
        return [e for e in self.entries if isinstance(e, Path) and is_image(e)]

    def images(self) -> Iterator[Path]:
        """Yield the images in this folder and its subfolders, in sorted order."""
        return (path for path in self.files() if is_image(path))

    def files(self) -> Iterator[Path]:
        """Yield all files in this folder and its subfolders, in sorted order."""
        for entry in self.entries:
            if isinstance(entry, Folder):
                yield from entry.files()
            else:
                yield entry

    def skipped(self) -> Iterator[Skipped]:
        """Yield the files that are not images, and the empty folders."""
        for entry in self.entries:
            if isinstance(entry, Folder):
                yield from entry.skipped()
                if not entry.entries:
                    yield Skipped(str(entry.path), "an empty folder")
            elif is_archive(entry):
                yield Skipped(str(entry), "an archive, which must be unpacked")
            elif not is_image(entry):
                yield Skipped(str(entry), "not an image")


def scan(path: Path, above: tuple[Path, ...] = ()) -> Folder:
    """Return the tree of a folder; `above` contains the folders that lead to it.

    Raises:
        OSError: if a folder cannot be read.
    """
    above = (*above, Path(os.path.realpath(path)))
    entries = (
        scan(entry, above) if is_folder else entry for entry, is_folder in entries_of(path, above)
    )
    return Folder(path, tuple(entries))


def entries_of(folder: Path, above: tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """Yield the entries of a folder in sorted order, and whether each is a folder.

    Hidden entries and those of the operating system are left out. So is a link to a folder in
    `above`, which contains the folder itself and those that lead to it: it leads to no other files.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name in _SYSTEM:
            continue
        if not _is_folder(entry):
            yield Path(entry.path), False
        elif not entry.is_symlink() or Path(os.path.realpath(entry)) not in above:
            yield Path(entry.path), True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive, such as a ZIP file, according to its name."""
    return path.suffix.lower() in ARCHIVES


def is_image(path: Path) -> bool:
    """Return whether a file is an image, according to its name or else to its content."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    return suffix not in (*_TEXT, *ARCHIVES) and looks_like_image(path)
