"""Compute the weights of training examples, and merge identical examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_array, check_consistent_length

from handgrad.data import Dataset
from handgrad.layers import Array


def weights_of(
    labels: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
) -> Array | None:
    """Return the weight of each example, (N,) float32, or None for equal weights.

    Args:
        labels: one label per example, (N,).
        sample_weight: the weight of each example, (N,), or None.
        class_weight: the weight of each class by label, "balanced", or None.

    Raises:
        ValueError: if a weight is negative or not a number, or if all weights are zero.
    """
    weights = None
    if sample_weight is not None:
        weights = _checked("sample_weight", sample_weight, labels)
    if class_weight is not None:
        by_class = _checked("class_weight", compute_sample_weight(class_weight, labels), labels)
        weights = by_class if weights is None else weights * by_class
    if weights is not None and not weights.any():
        raise ValueError("sample_weight and class_weight together give all examples weight zero")
    return weights


def _checked(name: str, given: ArrayLike, labels: NDArray[Any]) -> Array:
    """Check that there is one weight per example, and return the weights, (N,) float32."""
    with np.errstate(over="ignore"):  # what does not fit is refused as infinity
        weights: Array = check_array(given, ensure_2d=False, dtype=np.float32, input_name=name)
    if weights.ndim != 1:
        raise ValueError(f"{name} must have one number per example, not shape {weights.shape}")
    check_consistent_length(labels, weights)
    if (weights < 0).any() or not weights.any():
        raise ValueError(f"{name} must not be negative, and the weights must not all be zero")
    return weights


def merged(data: Dataset, weights: Array | None) -> tuple[Dataset, Array]:
    """Merge identical examples into one example with their total weight, and sort the examples.

    If all examples form one batch, their order does not change the result. An example that occurs
    twice therefore gives exactly the same result as one with weight 2.
    """
    weights = np.ones(len(data), np.float32) if weights is None else weights
    rows = np.column_stack([data.images.reshape(len(data), -1).astype(np.float64), data.labels])
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return data.take(first), np.bincount(place.ravel(), weights).astype(np.float32)
