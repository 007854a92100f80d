"""Convert class labels to integers 0..K-1, and check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.class_names import Label, class_names
from handgrad.errors import DataError


def encode(
    labels: ArrayLike, classes: Sequence[Label] | None
) -> tuple[NDArray[np.int64], tuple[Label, ...]]:
    """Return the class index of each label, (N,) int64, and the class names.

    Args:
        labels: the labels, (N,) strings or integers.
        classes: the class names in order, or None to use the sorted distinct labels.

    Raises:
        DataError: if a label is neither a string nor an integer, or is not among the classes.
    """
    values = _as_labels(labels)
    unique, inverse = np.unique(values, return_inverse=True)
    occurring: list[Label] = unique.tolist()
    names = class_names(occurring if classes is None else classes)

    are_indices = isinstance(names[0], str) and values.dtype.kind in "iu"
    index = {label: k for k, label in enumerate(range(len(names)) if are_indices else names)}
    for label in occurring:
        if label not in index:
            raise _unknown_label(label, int(np.flatnonzero(values == label)[0]), names, are_indices)
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


def _as_labels(labels: ArrayLike) -> NDArray[Any]:
    """Convert labels to an array (N,) of integers or strings."""
    try:
        values = np.asarray(labels)
    except ValueError:
        raise DataError("labels must be one label per image, (N,), not nested lists") from None
    if values.ndim != 1:
        raise DataError(
            f"labels must be (N,), with one label per image, not {values.shape}; "
            "convert one-hot rows to labels with .argmax(axis=1)"
        )
    if len(values) == 0:
        raise DataError("there are no labels; give one label per image")
    if values.dtype.kind == "U" and not isinstance(labels, np.ndarray):
        values = np.array(labels, object)  # NumPy converts a NaN among strings to "nan"
    if values.dtype.kind in "OT" and all(isinstance(v, str) for v in values):
        return np.array(values.tolist(), np.str_)
    if values.dtype.kind not in "iuU":
        message = f"labels must be integers or strings, not {values.dtype}; convert them"
        if values.dtype.kind == "O":
            bad = next(n for n, v in enumerate(values) if not isinstance(v, str))
            message += f": label {values[bad]!r} of image {bad} is not a string"
        raise DataError(message)
    return values


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
