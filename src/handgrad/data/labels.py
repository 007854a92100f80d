"""Convert class labels to integers 0..K-1, and check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.class_names import Label, class_names, normalized
from handgrad.errors import DataError

_MAX = 10**9


def encode(
    labels: ArrayLike, classes: Sequence[Label] | None
) -> tuple[NDArray[np.int64], tuple[Label, ...]]:
    """Return the class index of each label, (N,) int64, and the class names.

    Strings that differ only in their Unicode normalization form are the same class.

    Args:
        labels: the labels, (N,) or (N, 1) strings or integers; or one-hot rows, (N, K), which stand
            for the integers 0..K-1.
        classes: the class names in order, or None to use the sorted distinct labels, or 0..K-1 for
            one-hot rows.

    Raises:
        DataError: if a label is neither a string nor an integer, or is not among the classes; or if
            an image has several classes.
    """
    values, one_hot = _as_labels(labels)
    if one_hot and classes is None:
        classes = range(one_hot)
    unique, inverse = np.unique(values, return_inverse=True)
    occurring: list[Label] = [*map(normalized, unique.tolist())]
    names = class_names(sorted(set(occurring)) if classes is None else [*map(normalized, classes)])

    are_indices = isinstance(names[0], str) and values.dtype.kind in "iu"
    index = {label: k for k, label in enumerate(range(len(names)) if are_indices else names)}
    for k, label in enumerate(occurring):
        if label not in index:
            raise _unknown_label(label, int(np.flatnonzero(inverse == k)[0]), names, are_indices)
    return np.array([index[label] for label in occurring], np.int64)[inverse], names


def check_labels(y: NDArray[Any], images: int, classes: int) -> None:
    """Raise a DataError unless y contains exactly one index 0..K-1 per image."""
    if y.ndim != 1 or y.dtype != np.int64:
        raise DataError(
            f"labels must be (N,) int64, not {y.shape} {y.dtype}; use Dataset.from_arrays"
        )
    if len(y) != images:
        raise DataError(
            f"the numbers of images and labels differ: {images} and {len(y)}; "
            "give one label per image"
        )
    if y.min() < 0 or y.max() >= classes:
        bad = int(np.flatnonzero((y < 0) | (y >= classes))[0])
        raise DataError(
            f"label {y[bad]} of image {bad} is out of range; "
            f"{classes} classes are numbered 0..{classes - 1}"
        )


def _as_labels(labels: ArrayLike) -> tuple[NDArray[Any], int]:
    """Return labels as (N,) integers or strings, and K if they were one-hot rows (N, K), else 0."""
    check_unmasked(labels, "labels")
    try:
        values = np.asarray(labels)
    except ValueError:
        raise DataError("labels must be one label per image, (N,), not nested lists") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = labels = values[:, 0]
    if values.ndim == 2 and values.size and values.dtype.kind in "buif":
        return _of_one_hot(values), values.shape[1]
    if values.ndim != 1:
        raise DataError(f"labels must be (N,), with one label per image, not {values.shape}")
    if len(values) == 0:
        raise DataError("there are no labels; give one label per image")
    if values.dtype.kind == "U" and not isinstance(labels, np.ndarray):
        values = np.array(labels, object)  # NumPy converts a NaN among strings to "nan"
    return _of_one_kind(values), 0


def _of_one_kind(values: NDArray[Any]) -> NDArray[Any]:
    """Return labels (N,) of any dtype as integers or strings."""
    if values.dtype.kind in "OT" and all(isinstance(v, str) for v in values):
        return np.array(values.tolist(), np.str_)
    if values.dtype.kind == "O" and all(type(v) is int for v in values):
        return np.array(values.tolist(), np.int64)
    if values.dtype.kind in "bf":
        return whole_labels(values, "labels")
    if values.dtype.kind not in "iuU":
        message = f"labels must be integers or strings, not {values.dtype}; convert them"
        if values.dtype.kind == "O":
            bad = next(n for n, v in enumerate(values) if not isinstance(v, str))
            message += f": label {values[bad]!r} of image {bad} is not a string"
        raise DataError(message)
    return values


def whole_labels(y: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return labels (N,), stored as bool or floating point, as integers.

    Raises:
        DataError: if a number is not whole; the message starts with `name`.
    """
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~(np.isfinite(y) & (y == np.floor(y)) & (np.abs(y) < _MAX)))
    if len(bad):
        raise DataError(
            f"{name}: label {y[bad[0]]} of image {bad[0]} is not a whole number; give one class "
            "per image"
        )
    return y.astype(np.int64)


def check_unmasked(array: object, name: str) -> None:
    """Raise a DataError if an array of numpy.ma has masked values."""
    if np.ma.is_masked(array):
        raise DataError(f"{name} have masked values; remove these images, or fill in the values")


def _of_one_hot(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class index of each one-hot row, (N,)."""
    if not np.isin(rows, (0, 1)).all():
        raise DataError(
            f"labels {rows.shape} are neither one label per image, (N,), nor one-hot rows of 0 and "
            "1; give the class of each image"
        )
    counts = np.count_nonzero(rows, axis=1)
    if (counts != 1).any():
        bad = int(np.flatnonzero(counts != 1)[0])
        has = "no class" if counts[bad] == 0 else f"{counts[bad]} classes"
        raise DataError(
            f"image {bad} has {has} in the rows of labels {rows.shape}, but handgrad gives every "
            "image exactly one class; keep images of one class, or train one model per class"
        )
    return rows.argmax(axis=1)


def _unknown_label(
    label: Label, image: int, names: tuple[Label, ...], are_indices: bool
) -> DataError:
    """Return the error for a label that is not among the classes."""
    if are_indices:
        return DataError(
            f"label {label} of image {image} is out of range; "
            f"{len(names)} classes are numbered 0..{len(names) - 1}"
        )
    known = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
    return DataError(
        f"label {label!r} of image {image} is not among the classes {known}; "
        "correct it or add the class"
    )
