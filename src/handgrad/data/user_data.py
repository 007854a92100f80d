"""Load the user's own images from a folder, a table, or a file of arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import is_text
from handgrad.data.dataset import Dataset
from handgrad.data.default_preprocessing import default_preprocessing, preprocessing_for_arrays
from handgrad.data.folders import check_exists
from handgrad.data.formats.reader import (
    TEST,
    TRAIN,
    VALIDATION,
    FileList,
    ImagesAndLabels,
    Splits,
)
from handgrad.data.formats.registry import as_file_lists, read_labelled
from handgrad.data.labels import encode
from handgrad.data.split import stratified
from handgrad.errors import DataError
from handgrad.files import expanded
from handgrad.preprocess import CompositeAlpha, Preprocessing

TEST_SHARE = 0.2  # the fraction of images that becomes the test set if there is none


def load_user_data(
    path: Path,
    preprocessing: Preprocessing | None = None,
    *,
    side: int | None = None,
    progress: bool | None = None,
) -> tuple[Dataset, Dataset]:
    """Load the training and test sets from a file or folder.

    If there is no test set, the validation set is used instead. If there is neither, one fifth of
    each class becomes the test set, which contains the same images every time. If there is a test
    set, the validation images are added to the training images.

    Args:
        path: a folder of images, a table, an array file, or a folder with such files or IDX files.
        preprocessing: how to preprocess image files, or None to choose the preprocessing from a
            sample of them.
        side: the height and width to which image files are resized, or None to choose the size from
            a sample of them.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        DataError: if the data cannot be read; the message gives the reason and how to fix it.
    """
    path = expanded(path)
    check_exists(path)
    contents = read_labelled(path)
    if (files := as_file_lists(contents.splits)) is not None:
        train, test = _datasets_from_files(files, path, preprocessing, side, progress)
    else:
        train, found = datasets_from_arrays(contents.splits, data_name(path))
        train, test = (train, found) if found else train.split(TEST_SHARE, seed=0)
        test = replace(test, name=f"{data_name(path)} test")
    return replace(train, summary=contents.summary, skipped=contents.skipped), test


def lacks_test_split(path: Path) -> bool:
    """Return whether a file or folder has neither test images nor validation images.

    Without such images, a fraction of all images is set aside as the test set, which therefore
    changes when images are added.

    Raises:
        DataError: if the file or folder cannot be read.
    """
    return not read_labelled(path).splits.keys() & {TEST, VALIDATION}


def datasets_from_arrays(splits: Splits, name: str) -> tuple[Dataset, Dataset | None]:
    """Return the training set, and the test set or None if there is no test set.

    Args:
        splits: the arrays of "train" and optionally of "test" and "validation". If there is a test
            set, the validation images are added to the training images; otherwise they become the
            test set.
        name: the name that error messages and tables use for the data.

    Raises:
        DataError: if an array cannot be used, or the splits do not match each other.
    """
    arrays = {key: split for key, split in splits.items() if isinstance(split, ImagesAndLabels)}
    train = _array_dataset(arrays[TRAIN], name)
    test, validation = (
        _array_dataset(arrays[split], f"{name} {split}", train) if split in arrays else None
        for split in (TEST, VALIDATION)
    )
    if test is None or validation is None:
        return train, test or validation
    X, y = (np.concatenate(parts) for parts in zip(train[:], validation[:], strict=True))
    return replace(train, images=X, labels=y), test


def _array_dataset(arrays: ImagesAndLabels, name: str, train: Dataset | None = None) -> Dataset:
    """Return the dataset of one split, with the same form and classes as the training set."""
    labels = arrays.labels
    _check_labels_can_be_saved(labels, name)
    if train is not None and isinstance(train.classes[0], str) and labels.dtype.kind in "iu":
        raise DataError(
            f"{name}: the labels are numbers, but the labels of {train.name} are text; "
            "use the same type in both"
        )
    X = _channels_first(arrays.images, name)
    if train is None:
        data = Dataset.from_arrays(X, labels, None, name)
        return replace(data, preprocessing=preprocessing_for_arrays(data.images))
    data = Dataset.from_arrays(X, labels, train.classes, name)
    if (data.shape, data.images.dtype) != (train.shape, train.images.dtype):
        raise DataError(
            f"{name}: the images are {_form(data)}, but {train.name} has {_form(train)}; "
            "convert them to the same form"
        )
    return replace(data, preprocessing=train.preprocessing)


def _channels_first(X: NDArray[Any], name: str) -> NDArray[Any]:
    """Return images (N, C, H, W) with C = 1 or 3, as uint8 if all values are integers 0..255."""
    shape = X.shape
    if X.dtype.kind == "b":
        X = X.astype(np.uint8) * 255
    elif X.dtype.kind in "iu" and X.size and 0 <= X.min() <= X.max() <= 255:
        X = X.astype(np.uint8, copy=False)
    if X.ndim != 4:
        return X
    if X.shape[1] not in (1, 3) and X.shape[3] in (1, 3, 4):
        X = X.transpose(0, 3, 1, 2)
    if X.shape[1] == 4 and X.dtype == np.uint8 and len(X):
        composite = CompositeAlpha()
        X = np.stack([composite(x.transpose(1, 2, 0)).transpose(2, 0, 1) for x in X])
    if X.shape[1] not in (1, 3):
        raise DataError(
            f"{name}: images must be (N, H, W), or have 1, 3 or 4 channels as the first or last "
            f"axis, not {shape} {X.dtype}; "
            "4 channels are red, green, blue and alpha, with values 0..255"
        )
    return np.ascontiguousarray(X)


def _check_labels_can_be_saved(labels: NDArray[Any], name: str) -> None:
    """Raise a DataError if a label cannot be written to a model file."""
    if labels.dtype.kind == "u" and labels.size and labels.max() >= 1 << 63:
        raise DataError(f"{name}: the label {labels.max()} is too large; save labels .astype(str)")
    if labels.dtype.kind == "U":
        for label in np.unique(labels).tolist():
            if not is_text(label):
                raise DataError(f"{name}: the label {label!r} is not valid Unicode text; rename it")


def _datasets_from_files(
    splits: Mapping[str, FileList],
    path: Path,
    preprocessing: Preprocessing | None,
    side: int | None,
    progress: bool | None,
) -> tuple[Dataset, Dataset]:
    """Decode the listed image files into a training set and a test set."""
    train, test = splits.get(TRAIN), splits.get(TEST)
    validation = splits.get(VALIDATION)
    name = data_name(path)
    if train is None:
        raise DataError(f"{path} has no training images; call one of the splits train")
    if test is None:
        test, validation = validation, None
    if validation is not None:
        train = FileList(train.paths + validation.paths, train.labels + validation.labels)
    if test is None:
        train, test = _split(train, name)
    classes = sorted(set(train.labels))
    if unknown := set(test.labels) - set(classes):
        raise DataError(
            f"{path}: the test set has the class {min(unknown)!r}, but the training set does not; "
            "add training images for this class, or remove it from the test set"
        )
    preprocessing = preprocessing or default_preprocessing(train.paths, side)
    train_set, test_set = (
        Dataset.from_files(
            *(files.paths, files.labels, classes),
            preprocessing=preprocessing,
            name=split_name,
            progress=progress,
        )
        for files, split_name in ((train, name), (test, f"{name} test"))
    )
    return train_set, test_set


def _split(files: FileList, name: str) -> tuple[FileList, FileList]:
    """Split listed files into training and test files."""
    labels, _ = encode(files.labels, None)
    is_test = stratified(labels, TEST_SHARE, seed=0)
    if not is_test.any():
        raise DataError(f"{name}: too few images to split; give at least two images of some class")
    parts = []
    for chosen in (~is_test, is_test):
        indices = np.flatnonzero(chosen).tolist()
        parts.append(
            FileList([files.paths[i] for i in indices], [files.labels[i] for i in indices])
        )
    return parts[0], parts[1]


def data_name(path: Path) -> str:
    """Return the name of the data: the last part of its absolute path, without the suffix."""
    return Path(os.path.abspath(path)).stem or "data"


def _form(data: Dataset) -> str:
    """Return the shape and dtype of images, such as 1x28x28 uint8."""
    return f"{'x'.join(map(str, data.shape))} {data.images.dtype}"
