"""The range of pixel values: which numbers of an array are black and white.

A network computes with pixels from 0 (black) to 1 (white). Arrays from other programs have other
ranges, such as 0..255, 0..65535 or -1..1. This module recognizes the range of the training images,
and scales all later images in the same way. Images whose range is in doubt are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError, ModelError
from handgrad.pixel_values import CHUNK, PixelValues, check_not_wrapped, share_of_value

AS_THEY_ARE = "raw"  # the argument pixel_range="raw"

_CLOSE = 1e-3  # of 255: pixels this close to integers are stored as uint8
_BRIGHT = 0.75  # images in floating point whose maximum is lower do not show that 255 is white
_DIM = 1 / 15  # images that use less of a range probably have a smaller range, such as 0..16
_FEW = 50  # values
_FLAT = 0.02  # of the values: interpolation does not give the same value so often
_OVERSHOOT = 1 / 8  # of the range: what interpolation adds at edges


@dataclass(frozen=True)
class PixelRange:
    """The values of black and white in an array of images.

    >>> PixelRange.of(np.array([[0, 7, 255]]))
    PixelRange(low=0, high=255, is_known=True)
    >>> PixelRange(0, 16).pixels(np.array([0.0, 8.0, 16.0])).tolist()
    [0, 128, 255]

    Attributes:
        low: the value of black; or the smallest value, if the range is not known.
        high: the value of white; or the largest value, if the range is not known.
        is_known: whether black and white are known. If not, such as for standardized images, values
            are used as they are.

    Raises:
        DataError: if the numbers are not finite, or `low` is not below `high`.
    """

    low: float
    high: float
    is_known: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or (
            self.low >= self.high if self.is_known else self.low > self.high
        ):
            raise DataError(
                "a pixel range needs two numbers, black and then a larger one for white, not "
                f"{self.low}, {self.high}"
            )

    @classmethod
    def of(cls, X: NDArray[Any]) -> PixelRange:
        """Return the range of training images, as far as their dtype and values show it.

        Args:
            X: the images, an array of bool, integers or floating-point numbers.

        Raises:
            DataError: if int8 images were probably uint8 images.
        """
        check_not_wrapped(X)
        return _recognized(PixelValues.of(X))

    def of_new_images(self, X: NDArray[Any], overshoot: float = _OVERSHOOT) -> PixelRange:
        """Return the range of images for a model that was trained on images of this range.

        If the values are consistent with this range, it is returned. Otherwise, another range is
        returned if it is recognized without doubt, such as uint8 0..255 or floats 0..1.

        Args:
            X: the images, an array of bool, integers or floating-point numbers.
            overshoot: how far values of no other known range may lie outside this range, as a
                fraction of it.

        Raises:
            DataError: if the range is in doubt.
        """
        values = PixelValues.of(X)
        if self != _SIGNED:
            check_not_wrapped(X)
        if not values.are_finite:
            return _recognized(values)
        if not self.is_known:
            self._check_unscaled(values)
            return self
        if values.dtype.kind == "b" or values.are_zero:
            return PixelRange(0, 1)
        found = _recognized(values)
        overshoot = self._overshoot(X, values, overshoot)
        is_narrower = found.is_known and self.low < found.low < 0 < found.high < self.high
        is_inside = self.contains(values.low, values.high, min(overshoot, _OVERSHOOT))
        if is_inside and self._uses(values) and not is_narrower:
            return self
        if found.is_known and not found.is_doubtful_for(values, self):
            return found
        if (
            not found.is_known
            and not is_inside
            and self.contains(values.low, values.high, overshoot)
        ):
            return self
        raise DataError(
            f"the images ({values}) do not show whether their range is {self}, as in training, or "
            f"another one; {_advice(values)}"
        )

    def _overshoot(self, X: NDArray[Any], values: PixelValues, limit: float) -> float:
        """Return how far values may lie outside this range, as a fraction of it.

        What interpolation adds at edges is a fraction of the contrast, and is seldom the same
        value twice. A negative value that occurs often is the black of another range.
        """
        if values.dtype.kind != "f" or values.low >= self.low:
            return limit
        if X.size > _FEW and share_of_value(X, values.low) > _FLAT:
            return 0
        return limit * min(1, (values.high - values.low) / (self.high - self.low))

    def _uses(self, values: PixelValues) -> bool:
        """Return whether values fill so much of this range that they cannot have a smaller one."""
        if self.low < 0:  # black is a negative number
            return values.low < 0 and max(-values.low, values.high) > _DIM * self.high
        return self.high <= 1 or values.high > _DIM * self.high

    def is_doubtful_for(self, values: PixelValues, trained: PixelRange) -> bool:
        """Return whether this range, which was recognized from values, is in doubt.

        Dark images of the range 0..255 look like images of 0..16, dark images of 0..65535 look like
        those of a camera, and light images of -1..1 look like those of 0..1.
        """
        is_dim = self == BYTES and values.high <= _DIM * 255
        is_light = values.dtype.kind == "f" and trained.low < 0 < values.low
        return is_dim or self in CAMERAS or (is_light and values.high <= trained.high)

    def contains(self, low: float, high: float, overshoot: float = _OVERSHOOT) -> bool:
        """Return whether values from `low` to `high` lie in this range or a little outside."""
        slack = overshoot * (self.high - self.low)
        return self.low - slack <= low and high <= self.high + slack

    def pixels(self, X: NDArray[Any]) -> NDArray[Any]:
        """Scale images of this range to the form that networks take.

        Returns:
            uint8 0..255 if this loses nothing, otherwise float32 0..1. Images of these two forms
            are not copied. If the range is not known, floating-point numbers are converted to
            float32 and otherwise unchanged.
        """
        if X.dtype == np.uint8 and self == BYTES:
            return X
        is_float = X.dtype.kind == "f"
        if not self.is_known or (is_float and (self.low, self.high) == (0, 1)):
            with np.errstate(over="ignore"):  # too large values become inf, which is rejected later
                return X.astype(np.float32, copy=False)
        values = PixelValues.of(X)
        if self == BYTES and values.are_whole and self.contains(values.low, values.high, 0):
            return X.astype(np.uint8)
        with np.errstate(invalid="ignore", over="ignore"):  # as above
            return self._scaled(X)

    def _scaled(self, X: NDArray[Any]) -> NDArray[Any]:
        """Scale images of a known range, as `pixels` does."""
        is_float, span = X.dtype.kind == "f", self.high - self.low
        values = X.astype(np.float32)
        if self.low:
            values -= np.float32(self.low)
        values *= np.float32(255 / span)
        if 15 <= span <= 255:  # integers become integers: 0..16 has the values of 8-bit images
            values = (
                np.where(np.rint(X) == X, np.rint(values), values) if is_float else np.rint(values)
            )
        return as_bytes_if_exact(values / np.float32(255))

    def check_given(self, X: NDArray[Any]) -> None:
        """Raise a DataError if the values of images are far outside this range."""
        values = PixelValues.of(X)
        if self.is_known and values.are_finite and not self.contains(values.low, values.high, 0.5):
            raise DataError(
                f"pixel_range is {self}, but the images are {values}; correct one of the two"
            )

    def to_json(self) -> dict[str, Any]:
        """Return a description as JSON data."""
        return {"low": self.low, "high": self.high, "is_known": self.is_known}

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Rebuild a range from the description that `to_json` returned.

        Raises:
            ModelError: if the description is invalid.
        """
        if not isinstance(described, Mapping) or described.keys() != {"low", "high", "is_known"}:
            raise ModelError("the description of a pixel range must contain low, high and is_known")
        low, high, is_known = (described[name] for name in ("low", "high", "is_known"))
        if not (_is_number(low) and _is_number(high) and type(is_known) is bool):
            raise ModelError("a pixel range must have two numbers, and true or false")
        try:
            return cls(float(low), float(high), is_known)
        except DataError as error:
            raise ModelError(str(error)) from None

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"

    def _check_unscaled(self, values: PixelValues) -> None:
        """Raise a DataError if images are not like the training images, whose range is unknown."""
        has_own = values.dtype.kind == "b" or values.dtype == np.uint8
        all_positive = self.low < 0 <= values.low
        too_large = self.low >= 0 and values.high > 1.5 * self.high
        differs = _recognized(values).is_known or all_positive or too_large
        if has_own or (differs and not values.are_zero):
            raise DataError(
                f"the images ({values}) are not like the training images, whose values {self} were "
                "used as they are; scale them in the same way, or train with "
                "pixel_range=(black, white)"
            )


BYTES = PixelRange(0, 255)
_SIGNED = PixelRange(-128, 127)
CAMERAS = tuple(PixelRange(0, (1 << bits) - 1) for bits in (10, 12, 14))

# The first rule that the values of training images obey gives their range.
_RULES: tuple[tuple[PixelRange, Callable[[PixelValues], bool]], ...] = (
    (
        _SIGNED,
        lambda v: (
            v.dtype.kind == "i" and v.high <= 127 and v.low < (-1 if v.dtype == np.int8 else -127)
        ),
    ),
    (PixelRange(-1, 1), lambda v: -1 <= v.low <= -0.99 and v.high <= 1),
    (PixelRange(-0.5, 0.5), lambda v: -0.5 <= v.low <= -0.495 and 0.495 <= v.high <= 0.5),
    (BYTES, lambda v: v.dtype.kind in "iu" and v.are_zero),
    (PixelRange(0, 1), lambda v: v.low >= 0 and v.high <= 1),
    (PixelRange(0, 15), lambda v: v.low >= 0 and v.high == 15 and v.are_whole),
    (PixelRange(0, 16), lambda v: v.low >= 0 and v.high == 16 and (v.are_whole or v.low == 0)),
    (BYTES, lambda v: v.low >= 0 and v.high <= 255 and v.dtype.kind in "iu"),
    (BYTES, lambda v: v.low >= 0 and _BRIGHT * 255 < v.high <= 255),
    *(
        (camera, lambda v, white=camera.high: v.low >= 0 and 0.9 * white < v.high <= white)
        for camera in CAMERAS
    ),
    (PixelRange(0, 65535), lambda v: v.low >= 0 and CAMERAS[-1].high < v.high <= 65535),
)


def _recognized(values: PixelValues) -> PixelRange:
    """Return the range that the values of training images show."""
    if not values.are_finite:
        # The check of the images names the image that is not finite.
        return PixelRange(0, 0, is_known=False) if values.dtype.kind == "f" else BYTES
    for known, rule in _RULES:
        if rule(values) and (known.high <= 255 or values.are_whole):
            return known
    return PixelRange(values.low, values.high, is_known=False)


RangeLike = PixelRange | Sequence[float] | str | None


def given_range(given: RangeLike, X: NDArray[Any]) -> PixelRange | None:
    """Return the range that the argument `pixel_range` gives for images, or None if it is None.

    Args:
        given: a `PixelRange`; or the values of black and white; or "raw" for images that are used
            as they are, which are uint8 0..255 or floating-point numbers; or None.
        X: the images.

    Raises:
        DataError: if the argument is invalid, or the images are far outside this range.
    """
    if given is None:
        return None
    if isinstance(given, str) and given == AS_THEY_ARE:
        values = PixelValues.of(X)
        if X.dtype == np.uint8 or not values.are_finite:
            return BYTES
        return PixelRange(values.low, values.high, is_known=False)
    if not isinstance(given, PixelRange):
        numbers = [] if isinstance(given, str) or not isinstance(given, Sequence) else [*given]
        if len(numbers) != 2 or not all(map(_is_number, numbers)):
            raise DataError(
                "pixel_range must be the values of black and white, such as (0, 255), or "
                f'"{AS_THEY_ARE}" to use the values as they are, not {given!r}'
            )
        given = PixelRange(float(numbers[0]), float(numbers[1]))
    given.check_given(X)
    return given


def as_bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Round pixels that are uint8 0..255 or floats 0..1 to uint8 0..255."""
    return pixels if pixels.dtype == np.uint8 else _as_bytes(pixels * np.float32(255))


def as_bytes_if_exact(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return float pixels 0..1 as uint8 0..255 if they are multiples of 1/255, else unchanged."""
    for at in range(0, len(pixels), CHUNK):
        values = pixels[at : at + CHUNK] * np.float32(255)
        nearest = np.rint(values)
        is_exact = bool((np.abs(values - nearest) <= _CLOSE).all())
        if not is_exact or nearest.min() < 0 or nearest.max() > 255:
            return pixels
    return as_bytes(pixels)


def joined(*parts: NDArray[Any]) -> NDArray[Any]:
    """Concatenate pixels of which some are uint8 0..255 and others float32 0..1."""
    if len({part.dtype for part in parts}) > 1:
        parts = tuple(
            part * np.float32(1 / 255) if part.dtype == np.uint8 else part for part in parts
        )
    return np.concatenate(parts)


def _as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _advice(values: PixelValues) -> str:
    """Return the advice for images whose range is in doubt."""
    if values.low < 0:
        return (
            "give images from which no mean was subtracted, or the values of black and white, such "
            "as pixel_range=(-1, 1)"
        )
    return (
        f"give the values of black and white, such as pixel_range=(0, {_next_white(values.high)})"
    )


def _next_white(high: float) -> int:
    """Return the smallest usual value of white that is not below a value."""
    return next((white for white in (1, 16, 255, 65535) if high <= white), math.ceil(high))


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
