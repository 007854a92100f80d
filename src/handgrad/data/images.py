"""Convert images to the form that a dataset stores, and check them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.errors import DataError

Shape = tuple[int, int, int]


def as_images(images: ArrayLike) -> NDArray[Any]:
    """Return images (N, C, H, W) as uint8 or float32. They are copied only if the dtype changes."""
    try:
        X = np.asarray(images)
    except ValueError:
        raise DataError(
            "the images have different shapes; resize all to the same height and width"
        ) from None
    if X.ndim == 3:
        X = X[:, None]
    if X.dtype.kind == "f" and X.dtype != np.float32:
        with np.errstate(over="ignore"):  # too large values become inf, which is rejected later
            X = X.astype(np.float32)
    return X


def check_images(X: NDArray[Any]) -> None:
    """Raise a DataError unless X is (N, C, H, W), uint8 or finite float32."""
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
            "convert them with .astype"
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
