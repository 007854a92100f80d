"""Images of one's own: a folder, a table, or arrays in a file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.class_names import Label
from handgrad.data.dataset import Dataset
from handgrad.data.formats import idx_folder, npz, pixel_table
from handgrad.data.formats.arrays import Arrays, as_datasets
from handgrad.data.formats.file_list import TEST, TRAIN, VALIDATION, Found, list_images
from handgrad.data.formats.image_files import read_images
from handgrad.data.formats.label_encoding import encode
from handgrad.data.inspect.sample_images import suited
from handgrad.data.split import stratified
from handgrad.errors import DataError
from handgrad.files import expanded
from handgrad.preprocess import Preprocessing

SHARE = 0.2  # of the images that become the test set where none is given


def read_own(
    place: Path,
    preprocessing: Preprocessing | None = None,
    *,
    side: int | None = None,
    progress: bool | None = None,
) -> tuple[Dataset, Dataset]:
    """Return training and test set of images of one's own.

    Where nothing is called the test, a fifth of each class is, always the same. Images called
    validation are the test where there is no other, and else are trained on.

    Args:
        place: a folder of images, a CSV file, an NPZ file, or a folder with IDX files.
        preprocessing: what is done to image files; None: what suits them.
        side: the height and width to bring image files to; None: what suits them.
        progress: whether to show a bar on stderr; None: where that is a terminal.

    Raises:
        DataError: if they cannot be read; the sentence says why, and what to do.
    """
    place = expanded(place)
    try:
        folder, file = place.is_dir(), place.is_file()
    except OSError as error:
        raise DataError(f"{place} cannot be read ({error.strerror}); give another path") from None
    if not folder and not file:
        raise DataError(
            f"there is no file and no folder {place}; give a folder of images, a CSV or an NPZ "
            "file, or the name of data that `handgrad data list` shows"
        )
    arrays = arrays_at(place)
    if arrays is None:
        return _images(place, preprocessing, side, progress)
    train, test = arrays
    if test is None:
        train, test = train.split(SHARE, seed=0)
    return train, dataclasses.replace(test, name=f"{_name(place)} test")


def arrays_at(place: Path) -> tuple[Dataset, Dataset | None] | None:
    """Return the data of a file or folder that holds arrays; None: it holds image files.

    The second of the two, the test, is None where it is missing.

    Raises:
        DataError: if they cannot be read.
    """
    splits = _arrays(place)
    return None if splits is None else as_datasets(splits, _name(place))


def draws_its_test(place: Path) -> bool:
    """Say whether the test is drawn from all images, so that it is another when they change.

    Raises:
        DataError: if they cannot be read.
    """
    splits = _arrays(place) or list_images(place)
    return not splits.keys() & {TEST, VALIDATION}


def _name(place: Path) -> str:
    """Return what to call images of one's own in a word, whatever way their path is written."""
    return Path(os.path.abspath(place)).stem or "data"


def _arrays(place: Path) -> dict[str, Arrays] | None:
    """Return the arrays of each split; None: it is none of arrays."""
    if idx_folder.is_one(place):
        return idx_folder.read(place)
    if place.suffix.lower() == ".npz":
        return npz.read(place)
    if pixel_table.is_one(place):
        return pixel_table.read(place)
    return None


def _images(
    place: Path, preprocessing: Preprocessing | None, side: int | None, progress: bool | None
) -> tuple[Dataset, Dataset]:
    """Return the data of image files."""
    splits = list_images(place)
    train, test = splits.get(TRAIN), splits.get(TEST)
    validation = splits.get(VALIDATION)
    if train is None:
        raise DataError(f"{place} has no images to train on; name a split train")
    if test is None:
        test, validation = validation, None
    if validation is not None:
        train = Found(train.paths + validation.paths, train.labels + validation.labels)
    if test is None:
        train, test = _split(train, _name(place))
    classes = _classes(train, test, place)
    recipe = preprocessing or suited(train.paths, side)
    return (
        read_found(train, classes, recipe, _name(place), progress),
        read_found(test, classes, recipe, f"{_name(place)} test", progress),
    )


def read_found(
    found: Found,
    classes: Sequence[Label] | None,
    preprocessing: Preprocessing,
    name: str,
    progress: bool | None,
) -> Dataset:
    """Return the data set of listed image files.

    Raises:
        DataError: if a file cannot be read, or a label is no class.
    """
    X = read_images(found.paths, preprocessing, name, progress=progress)
    labels, names = encode(found.labels, classes)
    return Dataset(X, labels, names, name, preprocessing)


def from_table(
    frame: Any,
    path: str,
    label: str,
    folder: str | os.PathLike[str],
    preprocessing: Preprocessing | None,
    name: str,
    progress: bool | None,
) -> Dataset:
    """Return the data set of a pandas frame with paths: see `Dataset.from_frame`."""
    columns = getattr(frame, "columns", None)
    if columns is None:
        raise DataError(
            f"{name}: a pandas frame is wanted, not a {type(frame).__name__}; make one: "
            "pandas.DataFrame(table)"
        )
    for column in (path, label):
        if (count := list(columns).count(column)) != 1:
            known = ", ".join(map(str, columns))
            many = "no column" if not count else f"{count} columns"
            raise DataError(f"{name}: the frame has {many} {column!r}; it has {known}")
    for row, file in enumerate(frame[path].tolist()):
        if not isinstance(file, str | os.PathLike) or "\0" in os.fspath(file):
            raise DataError(
                f"{name}: row {row} has {file!r} for a path; correct it or drop the row"
            )
    files = [Path(folder, file) for file in frame[path].tolist()]
    if not files:
        raise DataError(f"{name}: the frame has no rows; give at least one")
    found = Found(files, frame[label].tolist())
    return read_found(found, None, preprocessing or suited(files), name, progress)


def _split(found: Found, name: str) -> tuple[Found, Found]:
    """Split listed files into training and test."""
    labels, _ = encode(found.labels, None)
    chosen = stratified(labels, SHARE, seed=0)
    if not chosen.any():
        raise DataError(f"{name}: too few images to split; give at least two of a class")
    parts = []
    for which in (~chosen, chosen):
        places = np.flatnonzero(which).tolist()
        parts.append(Found([found.paths[n] for n in places], [found.labels[n] for n in places]))
    return parts[0], parts[1]


def _classes(train: Found, test: Found, place: Path) -> list[Label]:
    """Return the classes of the training images, sorted; the test has no others."""
    classes = set(train.labels)
    if strange := set(test.labels) - classes:
        raise DataError(
            f"{place}: the test has the class {min(strange)!r}, of which there is nothing to train "
            "on; add images of it, or leave it out"
        )
    return sorted(classes)
