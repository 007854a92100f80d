"""Images and labels in files of arrays: what NPZ, CSV and IDX files all have to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import is_text
from handgrad.data.dataset import Dataset
from handgrad.data.formats.file_list import TEST, TRAIN, VALIDATION
from handgrad.data.inspect.sample_images import suited_to_arrays
from handgrad.errors import DataError
from handgrad.preprocess import OnGround


class Arrays(NamedTuple):
    """Images and labels as a file holds them.

    Attributes:
        images: (N, H, W), (N, C, H, W) or (N, H, W, C).
        labels: (N,) strings or whole numbers.
    """

    images: NDArray[Any]
    labels: NDArray[Any]


def as_datasets(splits: Mapping[str, Arrays], name: str) -> tuple[Dataset, Dataset | None]:
    """Return training and test set, the second being None where it is missing.

    Args:
        splits: "train", and "test" and "validation" where there are such. Validation is the test
            where there is no other, and else is trained on.
        name: what errors and tables call the data.

    Raises:
        DataError: if they cannot be used, or do not belong together.
    """
    train = _dataset(splits[TRAIN], name)
    test, validation = (
        _dataset(splits[split], f"{name} {split}", train) if split in splits else None
        for split in (TEST, VALIDATION)
    )
    if test is None or validation is None:
        return train, test or validation
    X, y = (np.concatenate(parts) for parts in zip(train[:], validation[:], strict=True))
    return replace(train, images=X, labels=y), test


def _dataset(arrays: Arrays, name: str, train: Dataset | None = None) -> Dataset:
    """Return arrays as a data set; one beside a training set is of its form and its classes."""
    labels = arrays.labels
    _check_names(labels, name)
    if train is not None and isinstance(train.classes[0], str) and labels.dtype.kind in "iu":
        raise DataError(
            f"{name}: the labels are numbers, those of {train.name} are text; give both alike"
        )
    X = _in_planes(arrays.images, name)
    if train is None:
        data = Dataset.from_arrays(X, labels, None, name)
        return replace(data, preprocessing=suited_to_arrays(data.images))
    data = Dataset.from_arrays(X, labels, train.classes, name)
    if (data.shape, data.images.dtype) != (train.shape, train.images.dtype):
        raise DataError(
            f"{name}: the images are {_form(data)}, those of {train.name} are {_form(train)}; "
            "bring them to one form"
        )
    return replace(data, preprocessing=train.preprocessing)


def _in_planes(X: NDArray[Any], name: str) -> NDArray[Any]:
    """Return images in grey or colours, plane by plane; uint8 where they are numbers 0..255."""
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
        X = np.stack([OnGround()(x.transpose(1, 2, 0)).transpose(2, 0, 1) for x in X])
    if X.shape[1] not in (1, 3):
        raise DataError(
            f"{name}: images must be (N, H, W), or have 1, 3 or 4 channels, first or last, not "
            f"{shape} {X.dtype}; 4 are red, green, blue and opacity, of numbers 0..255"
        )
    return np.ascontiguousarray(X)


def _check_names(labels: NDArray[Any], name: str) -> None:
    """Raise a DataError if a label cannot be written into the file of a model."""
    if labels.dtype.kind == "u" and labels.size and labels.max() >= 1 << 63:
        raise DataError(f"{name}: the label {labels.max()} is too large; save labels .astype(str)")
    if labels.dtype.kind == "U":
        for label in np.unique(labels).tolist():
            if not is_text(label):
                raise DataError(f"{name}: the label {label!r} is no text in Unicode; rename it")


def _form(data: Dataset) -> str:
    """Return what images are like, such as 1x28x28 uint8."""
    return f"{'x'.join(map(str, data.shape))} {data.images.dtype}"
