"""Convert images to the form that a dataset stores, and check them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data.labels import check_unmasked
from handgrad.errors import DataError
from handgrad.pixel_range import BYTES, PixelRange, RangeLike, as_bytes, given_range

CHANNELS = (1, 3, 4)

Shape = tuple[int, int, int]


def as_images(images: ArrayLike) -> NDArray[Any]:
    """Return images (N, H, W) or (N, C, H, W) as (N, C, H, W); other floats become float32."""
    X = as_array(images)
    if X.ndim == 3:
        X = X[:, None]
    if X.dtype.kind == "f" and X.dtype != np.float32:
        with np.errstate(over="ignore"):  # too large values become inf, which is rejected later
            X = X.astype(np.float32)
    return X


def pixels_of(images: ArrayLike, pixel_range: RangeLike = None) -> tuple[NDArray[Any], PixelRange]:
    """Scale images to (N, C, H, W) uint8 0..255 or float32, and return the range that they had.

    Images that have this form are not copied.

    Args:
        images: the images, (N, H, W), (N, C, H, W) or (N, H, W, C) with 1, 3 or 4 channels. Four
            channels are red, green, blue and alpha; the alpha channel is composited.
        pixel_range: the values of black and white; or "raw" to use the values as they are; or None
            to recognize the range.

    Raises:
        DataError: if the range or the axis of the channels cannot be recognized.
    """
    X = as_array(images)
    given = given_range(pixel_range, X)
    known = given or (PixelRange.of(X) if X.dtype.kind in "buif" else BYTES)
    if X.dtype.kind in "buif":
        if X.dtype.kind in "ui" and given is None and not known.is_known:
            raise DataError(
                f"the images are integers {known}, which is no usual range of pixels; give the "
                f"values of black and white, such as pixel_range=({min(known.low, 0):g}, "
                f"{known.high:g}), or save the images as 0..255"
            )
        X = known.pixels(X)
    if X.ndim == 3:
        X = X[:, None]
    return _opaque(_channels_first(X), known), known


def as_array(images: ArrayLike) -> NDArray[Any]:
    """Return images as one array.

    Raises:
        DataError: if they have different shapes, cannot be converted or have masked values.
    """
    check_unmasked(images, "the images")
    if callable(detach := getattr(images, "detach", None)):  # a tensor of PyTorch
        images = detach().cpu()
    try:
        X = np.asarray(images)
        if X.dtype.kind == "O" and X.ndim:
            X = np.array(X.tolist())  # numbers as Python objects, or one array per image
    except ValueError:
        raise DataError(
            "the images have different shapes; resize all to the same height and width"
        ) from None
    except (TypeError, RuntimeError) as error:
        raise DataError(
            f"the images cannot be converted to a NumPy array ({str(error)[:80]}); convert them"
        ) from None
    return X


def _channels_first(X: NDArray[Any]) -> NDArray[Any]:
    """Return images (N, C, H, W), given (N, C, H, W) or (N, H, W, C) with 1, 3 or 4 channels."""
    if X.ndim == 4 and X.shape[1] == X.shape[2] > 4 > X.shape[3] == 2:
        raise DataError(
            f"images {X.shape} have 2 channels as the last axis; keep only the grey channel, "
            "images[..., 0]"
        )
    if X.ndim != 4 or X.shape[3] not in CHANNELS or X.shape[1] == 1:
        return X
    _, first, middle, last = X.shape
    if first in CHANNELS:
        square_first, square_last = middle == last, first == middle
        if square_first == square_last:
            raise DataError(
                f"images {X.shape} may be (N, C, H, W) or (N, H, W, C); give them as "
                "(N, C, H, W) to Dataset(images, labels, classes)"
            )
        if square_first:
            return X
    return np.ascontiguousarray(X.transpose(0, 3, 1, 2))


def _opaque(X: NDArray[Any], known: PixelRange) -> NDArray[Any]:
    """Composite the alpha channel of images that have one."""
    if X.ndim != 4 or X.shape[1] != 4 or not X.size:
        return X
    if not known.is_known:
        raise DataError(
            f"images {X.shape} have 4 channels, which are red, green, blue and alpha, but their "
            f"values {known} have no known range; give the values of black and white, such as "
            "pixel_range=(0, 255)"
        )
    from handgrad.preprocess import CompositeAlpha  # it imports Pillow

    composite = CompositeAlpha()
    return np.stack([composite(x.transpose(1, 2, 0)).transpose(2, 0, 1) for x in as_bytes(X)])


def stored_range(X: NDArray[Any]) -> PixelRange:
    """Return the range of images that are stored without scaling, as uint8 or float32."""
    if X.dtype == np.uint8:
        return BYTES
    low, high = float(X.min()), float(X.max())
    return PixelRange(0, 1) if low >= 0 and high <= 1 else PixelRange(low, high, is_known=False)


def check_images(X: NDArray[Any]) -> None:
    """Raise a DataError unless X is (N, C, H, W), uint8 or finite float32."""
    if X.ndim == 2 and math.isqrt(X.shape[1]) ** 2 == X.shape[1] > 1 and len(X) != X.shape[1]:
        side = math.isqrt(X.shape[1])
        raise DataError(
            f"the images are rows {X.shape}; give them as images, such as "
            f"images.reshape(-1, {side}, {side}) for {side}x{side} pixels"
        )
    if X.ndim != 4:
        raise DataError(
            f"images must be (N, H, W) or (N, C, H, W), not {X.shape}; reshape them, "
            "and pass a single image as images[None]"
        )
    if len(X) == 0:
        raise DataError("there are no images; give at least one")
    if X.size == 0:
        raise DataError(f"the images have no pixels: their shape is {X.shape[1:]}")
    if X.dtype not in (np.uint8, np.float32):
        raise DataError(
            f"images must be uint8 (0..255) or floating point, not {X.dtype}; "
            "Dataset.from_arrays converts integers and bool"
        )
    if X.dtype == np.float32:
        _check_finite(X)


def _check_finite(X: NDArray[np.float32]) -> None:
    """Raise a DataError that names the first image with a value that is not finite."""
    with np.errstate(invalid="ignore"):
        if np.isfinite(X.min()) and np.isfinite(X.max()):  # a NaN anywhere makes both NaN
            return
    bad = next(n for n, image in enumerate(X) if not np.isfinite(image).all())
    raise DataError(
        f"image {bad} contains NaN, infinity or a number too large for float32; "
        "repair this image or remove it"
    )
