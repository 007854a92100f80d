"""Checks of the arguments that all figures have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data.images import as_images, check_images
from handgrad.errors import DataError


def as_displayable(images: ArrayLike) -> NDArray[Any]:
    """Return images (N, C, H, W) as (N, H, W) or (N, H, W, 3), uint8 or scaled to 0..1."""
    X = as_images(images)
    check_images(X)
    if X.shape[1] not in (1, 3):
        raise DataError(f"images must have 1 or 3 channels to be drawn, not {X.shape[1]}")
    if X.dtype != np.uint8 and (X.min() < 0 or X.max() > 1):  # standardized, for example
        X = (X - X.min()) / max(X.max() - X.min(), np.finfo(X.dtype).tiny)
    return X[:, 0] if X.shape[1] == 1 else X.transpose(0, 2, 3, 1)


def as_labels(labels: ArrayLike, what: str, images: int, classes: int) -> NDArray[Any]:
    """Check labels (N,), integers 0..K-1, and return them; `what` is the name of the argument."""
    y = np.asarray(labels)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise DataError(f"{what} must be whole numbers (N,), not {y.dtype} {y.shape}")
    if len(y) != images:
        raise DataError(f"there are {images} images but {len(y)} {what}; pass one per image")
    if y.min() < 0 or y.max() >= classes:
        raise DataError(f"{what} must lie in 0..{classes - 1}, not in {y.min()}..{y.max()}")
    return y


def as_probabilities(probabilities: ArrayLike, images: int, classes: int) -> NDArray[Any]:
    """Check that probabilities are finite and of shape (N, K), and return them."""
    p, wanted = np.asarray(probabilities), (images, classes)
    if p.shape != wanted or p.dtype.kind != "f" or not np.isfinite(p).all():
        raise DataError(f"probabilities must be finite numbers {wanted}, not {p.dtype} {p.shape}")
    return p


def as_counts(matrix: ArrayLike, classes: int) -> NDArray[Any]:
    """Check that a confusion matrix (K, K) contains nonnegative integers, and return it."""
    counts, wanted = np.asarray(matrix), (classes, classes)
    if counts.shape != wanted:
        raise DataError(f"the matrix must be {wanted} for {classes} classes, not {counts.shape}")
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise DataError("the matrix must contain counts: nonnegative integers")
    return counts
