"""Convert the labels in a file to one string or integer per image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.columns import NUMBER_PATTERN
from handgrad.data.labels import whole_labels
from handgrad.errors import DataError

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_NUMBER = re.compile(NUMBER_PATTERN)
_MISSING = frozenset(("", "nan", "na", "n/a", "#n/a", "null", "none", "?"))
_MAX = 10**9
_TRUE, _FALSE = ("1", "1.0", "true"), ("0", "0.0", "false")


def as_integer(text: str) -> int | None:
    """Return the integer that a text represents, such as 5, 5.0 or 5e0, or None.

    >>> as_integer("5.000e+00"), as_integer("5.5"), as_integer("five")
    (5, None, None)
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text) or abs(value := float(text)) >= _MAX:
        return None
    return int(value) if value.is_integer() else None


def bad_label(texts: Sequence[str]) -> tuple[int, str] | None:
    """Return the index of the first label that cannot be used and the reason, or None."""
    numeric = [_NUMBER.fullmatch(text) is not None for text in texts]
    words = {text for text, is_number in zip(texts, numeric, strict=True) if not is_number}
    only_numbers = {word.lower() for word in words} <= _MISSING
    for row, text in enumerate(texts):
        if not text or (only_numbers and not numeric[row]):
            return row, "the label is missing; add it"
        if only_numbers and as_integer(text) is None:
            return row, f"the label {text[:40]!r} is not a whole number; correct it"
    if len(texts) > 1 and words == {texts[0]} and sum(numeric) == len(texts) - 1:
        return 0, (
            f"the label {texts[0][:40]!r} is followed by numbers; if this line is a header, call "
            "the column with the labels label"
        )
    return None


def are_integers(texts: Sequence[str]) -> bool:
    """Return whether all labels represent integers."""
    return all(as_integer(text) is not None for text in set(texts))


def from_one_hot(columns: Sequence[Sequence[str]], names: Sequence[str]) -> list[str] | int:
    """Return the label of each row of one-hot columns, or the index of the first invalid row.

    Args:
        columns: the cells of each column, K lists of N texts.
        names: the name of each column. The part that they have in common is left out.
    """
    classes = class_names_in(names)
    labels = []
    for row, cells in enumerate(zip(*columns, strict=True)):
        flags = [cell.lower() for cell in cells]
        ones = [k for k, flag in enumerate(flags) if flag in _TRUE]
        if len(ones) != 1 or any(flag not in (*_TRUE, *_FALSE) for flag in flags):
            return row
        labels.append(classes[ones[0]])
    return labels


def class_names_in(names: Sequence[str]) -> list[str]:
    """Remove the common start from names: label_cat and label_dog are cat and dog.

    >>> class_names_in(["c0", "c1"]), class_names_in(["label_cat", "label_cow"])
    (['0', '1'], ['cat', 'cow'])
    """
    numbers = [re.fullmatch(r"(\D*)(\d+)", name.strip()) for name in names]
    if all(numbers) and len({found[1] for found in numbers if found}) == 1:
        return [str(int(found[2])) for found in numbers if found]
    start = re.match(r"(.*[\W_])?", names[0].strip())
    prefix = start[0] if start else ""
    if prefix and all(name.strip().startswith(prefix) for name in names):
        return [name.strip().removeprefix(prefix) for name in names]
    return [name.strip() for name in names]


def label_array(y: NDArray[Any], name: str) -> NDArray[Any]:
    """Return labels (N,) from an array (N,), (N, 1), (1, N) or one-hot (N, K).

    Whole numbers that are stored as floating point become integers.

    Raises:
        DataError: if a row of (N, K) is not one-hot, or a number is not whole.
    """
    if y.ndim == 2 and 1 in y.shape:
        y = y.ravel()
    if y.ndim == 2 and y.dtype.kind in "buif":
        ones = (y == 1).sum(axis=1)
        bad = np.flatnonzero((ones != 1) | ((y != 0).sum(axis=1) != 1))
        if len(bad):
            raise DataError(
                f"{name} has the shape {y.shape}, but row {bad[0]} is not one-hot; give one label "
                "per image"
            )
        return np.nonzero(y == 1)[1].astype(np.int64)
    if y.ndim != 1:
        raise DataError(f"{name} has the shape {y.shape}; give one label per image, (N,)")
    return whole_labels(y, name) if y.dtype.kind in "bf" else y
