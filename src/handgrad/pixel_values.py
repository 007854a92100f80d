"""The values of an array of images, as far as they show the range of its pixels."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError

CHUNK = 1000  # images of which all values are read at a time, or alone


class PixelValues(NamedTuple):
    """What the values of an array of images show about their range.

    Attributes:
        dtype: the dtype.
        low: the smallest value.
        high: the largest value. Both are NaN if there are none, or if one is not finite.
        are_whole: whether all values are integers.
    """

    dtype: np.dtype[Any]
    low: float
    high: float
    are_whole: bool

    @classmethod
    def of(cls, X: NDArray[Any]) -> Self:
        """Return the properties of an array; of a large uint8 array, only a part is read."""
        if X.dtype.kind not in "buif" or not X.size:
            return cls(X.dtype, math.nan, math.nan, False)
        if X.dtype == np.uint8 and len(X) > CHUNK and X[:CHUNK].max() > 16:
            return cls(X.dtype, 0.0, 255.0, True)
        with np.errstate(invalid="ignore"):
            low, high = float(X.min()), float(X.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return cls(X.dtype, math.nan, math.nan, False)
        return cls(X.dtype, low, high, X.dtype.kind != "f" or are_whole(X))

    @property
    def are_finite(self) -> bool:
        """Whether there are values, and all are finite."""
        return math.isfinite(self.low)

    @property
    def are_zero(self) -> bool:
        """Whether all values are 0."""
        return self.low == self.high == 0

    def __str__(self) -> str:
        return f"{self.dtype}, values {self.low:g}..{self.high:g}"


def share_of_value(X: NDArray[Any], value: float) -> float:
    """Return the fraction of the values of some images that are equal to a value."""
    return float((X[:CHUNK] == X.dtype.type(value)).mean())


def check_not_wrapped(X: NDArray[np.int8]) -> None:
    """Raise a DataError if int8 images contain black and white as 0 and -1, which uint8 wraps to.

    In images of -128..127, black and white are -128 and 127.
    """
    if X.dtype != np.int8 or not X.size or X.min() >= -1:
        return
    wrapped, shifted = (np.isin(X, ends).mean() for ends in ((0, -1), (-128, 127)))
    if wrapped > shifted:
        raise DataError(
            "the int8 images look like uint8 images of which values above 127 became negative; "
            "use images.view(np.uint8), or give pixel_range=(-128, 127) if black is -128"
        )


def are_whole(X: NDArray[Any]) -> bool:
    """Return whether all values are integers."""
    return all(
        bool((X[at : at + CHUNK] == np.rint(X[at : at + CHUNK])).all())
        for at in range(0, len(X), CHUNK)
    )
