"""Read a folder of image files, FOLDER/CLASS/*.png, with or without split folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from handgrad.class_names import is_text
from handgrad.data.formats.decode import SUFFIXES
from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Contents, FileList
from handgrad.errors import DataError

TABLE = "metadata.csv"
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
}
_INTEGER = re.compile("0|[1-9][0-9]{0,8}")
_LAYOUTS = (
    "a folder must contain FOLDER/CLASS/*.png, or FOLDER/train/CLASS/*.png and "
    "FOLDER/test/CLASS/*.png, "
    f"or {TABLE} with the columns file_name and label"
)


def accepts(path: Path) -> bool:  # noqa: ARG001
    """Return True: this is the last reader, and its error message lists the supported layouts."""
    return True


def read(path: Path) -> Contents:
    """List the images in a folder of class folders.

    Hidden files are skipped, and so are files whose names do not have the suffix of a PNG, JPEG,
    GIF or BMP file. If all class names are integers, the labels are integers.

    Raises:
        DataError: if there are no images, or the name of a class is not UTF-8.
        OSError: if a folder cannot be read.
    """
    splits = {}
    for split, folders in class_folders(path).items():
        files = FileList([], [])
        for folder in folders:
            images = [file for file in files_below(folder) if is_image(file)]
            files.paths.extend(images)
            files.labels.extend([folder.name] * len(images))
        splits[split] = files
    return Contents(with_checked_labels(splits, path))


def with_checked_labels(splits: dict[str, FileList], path: Path) -> dict[str, FileList]:
    """Return the lists of files, with labels converted to integers if all represent integers.

    Raises:
        DataError: if no files are listed, or a label is not UTF-8.
    """
    labels = dict.fromkeys(str(label) for files in splits.values() for label in files.labels)
    if not labels:
        raise DataError(f"{path} contains no images{_other_files(path)}; {_LAYOUTS}")
    for label in labels:
        if not is_text(label):
            raise DataError(f"{path}: the class name {label!r} is not valid UTF-8; rename it")
    if not all(map(_INTEGER.fullmatch, labels)):
        return splits
    return {
        split: FileList(files.paths, [int(label) for label in files.labels])
        for split, files in splits.items()
    }


def class_folders(folder: Path) -> Mapping[str, list[Path]]:
    """Return the class folders of each split. If there are no split folders, all are "train".

    If there is a folder for training images, folders next to it that are not splits are skipped.
    """
    subfolders = _subfolders(folder)
    splits: dict[str, list[Path]] = {}
    split_folders = [subfolder for subfolder in subfolders if _is_split(subfolder)]
    for subfolder in split_folders:
        name = SPLIT_NAMES[subfolder.name.lower()]
        splits.setdefault(name, []).extend(_subfolders(subfolder))
    only_splits = split_folders and split_folders == subfolders
    return splits if TRAIN in splits or only_splits else {TRAIN: subfolders}


def skipped_folders(folder: Path) -> list[Path]:
    """Return the folders with images that are skipped because they are next to split folders."""
    subfolders = _subfolders(folder)
    if class_folders(folder) == {TRAIN: subfolders}:
        return []
    others = [subfolder for subfolder in subfolders if not _is_split(subfolder)]
    return [other for other in others if any(map(is_image, files_below(other)))]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files in a folder and its subfolders in sorted order, except hidden ones."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            yield from files_below(Path(entry.path))
        else:
            yield Path(entry.path)


def is_image(path: Path) -> bool:
    """Return whether a file is an image, according to its name."""
    return path.suffix.lower() in SUFFIXES


def _is_split(folder: Path) -> bool:
    """Return whether a folder is a split rather than a class: it contains no images directly."""
    if folder.name.lower() not in SPLIT_NAMES:
        return False
    return bool(_subfolders(folder)) or not any(map(is_image, folder.iterdir()))


def _other_files(path: Path) -> str:
    """Describe the files with unsupported formats in a folder, for an error message."""
    files = files_below(path) if path.is_dir() else ()
    others = [file for file in files if not is_image(file)]
    suffixes = ", ".join(sorted({file.suffix.lower() for file in others if file.suffix})[:5])
    if not suffixes:
        return ""
    noun = "file of an unsupported format" if len(others) == 1 else "files of unsupported formats"
    return f", but {len(others):,} {noun} ({suffixes}); convert them to PNG"


def _subfolders(folder: Path) -> list[Path]:
    """Return the subfolders of a folder in sorted order, except hidden ones."""
    return [
        Path(entry.path)
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if entry.is_dir() and not entry.name.startswith(".") and entry.name != "__MACOSX"
    ]
