"""Read array files in pairs: one file with images and one with labels, as NPY or NPZ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from handgrad.data.formats import npz
from handgrad.data.formats.array_pairs import contents_of, parse_name
from handgrad.data.formats.folder_files import contains_images
from handgrad.data.formats.reader import TRAIN, Contents, Skipped
from handgrad.errors import DataError

SUFFIXES = (".npy", ".npz")


def accepts(path: Path) -> bool:
    """Return whether the path is such a file, or a folder of array files without image files."""
    if path.is_dir():
        return any(_array_files(path)) and not contains_images(path)
    return path.suffix.lower() == ".npy" or (path.suffix.lower() == ".npz" and _is_single(path))


def read(path: Path) -> Contents:
    """Read the arrays in a folder, or a file together with the files that belong to it.

    Files belong together if their names differ only in words such as x and y, images and labels, or
    train and test: X_train.npy and y_train.npy.

    Args:
        path: a folder, an NPY file, or an NPZ file with one array.

    Raises:
        DataError: if a file is corrupted, or it is unclear which arrays are the images and labels.
    """
    folder = path if path.is_dir() else path.parent
    files = {file.stem: file for file in _array_files(folder) if _is_single(file)}
    if path.is_dir() and not files:
        return _read_only_archive(path)
    chosen = files if path.is_dir() else _with_partners(path, files)
    try:
        contents = contents_of({name: partial(_load, file) for name, file in chosen.items()})
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return replace(contents, skipped=tuple(_skipped(folder, files)) if path.is_dir() else ())


def _with_partners(path: Path, files: dict[str, Path]) -> dict[str, Path]:
    """Return the files whose names are equal to a file's name except for the kind and the split.

    If the file belongs to a test or validation set, only this set is returned.
    """
    own = parse_name(path.stem)
    if own is None:
        return {path.stem: path}
    parsed = {name: found for name in files if (found := parse_name(name))}
    return {
        name: files[name]
        for name, other in parsed.items()
        if other.rest == own.rest and own.split in ("", TRAIN, other.split)
    }


def _load(file: Path) -> NDArray[Any]:
    if file.suffix.lower() == ".npy":
        return npz.read_npy(file)
    with npz.opened(file) as arrays:
        return next(iter(arrays.values()))()


def _read_only_archive(folder: Path) -> Contents:
    """Read the only NPZ file in a folder."""
    archives = list(_array_files(folder))
    if len(archives) > 1:
        raise DataError(
            f"{folder} contains several NPZ files, such as {archives[0].name} and "
            f"{archives[1].name}; give the path of one of them"
        )
    return npz.read(archives[0])


def _is_single(file: Path) -> bool:
    """Return whether a file contains one array, rather than images and labels."""
    if file.suffix.lower() == ".npy":
        return True
    with suppress(DataError), npz.opened(file) as arrays:
        return len(arrays) == 1 and parse_name(file.stem) is not None
    return False


def _array_files(folder: Path) -> Iterator[Path]:
    """Yield the NPY and NPZ files in a folder in sorted order, except hidden ones."""
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file():
            yield file


def _skipped(folder: Path, used: dict[str, Path]) -> Iterator[Skipped]:
    """Yield the array files that were left out."""
    for file in _array_files(folder):
        if file not in used.values():
            yield Skipped(file.name, "an NPZ file with several arrays, next to single arrays")
        elif parse_name(file.stem) is None:
            yield Skipped(file.name, "its name states neither images nor labels")
