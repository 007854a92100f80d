"""Weights of examples, and merging of equal examples."""

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
    """Return the weight of each example, (N,) float32; None: equal weights.

    Args:
        labels: one for each example, (N,).
        sample_weight: the weight of each example, (N,), or None.
        class_weight: the weight of each class by label, "balanced", or None.

    Raises:
        ValueError: if a weight is not a number of at least 0, or all are zero.
    """
    weights = None
    if sample_weight is not None:
        weights = _checked("sample_weight", sample_weight, labels)
    if class_weight is not None:
        by_class = _checked("class_weight", compute_sample_weight(class_weight, labels), labels)
        weights = by_class if weights is None else weights * by_class
    if weights is not None and not weights.any():
        raise ValueError("sample_weight and class_weight together leave no example that counts")
    return weights


def _checked(name: str, given: ArrayLike, labels: NDArray[Any]) -> Array:
    """Return one weight for each example, (N,) float32."""
    with np.errstate(over="ignore"):  # what does not fit is refused as infinity
        weights: Array = check_array(given, ensure_2d=False, dtype=np.float32, input_name=name)
    if weights.ndim != 1:
        raise ValueError(f"{name} must be one number for each example, not {weights.shape}")
    check_consistent_length(labels, weights)
    if (weights < 0).any() or not weights.any():
        raise ValueError(f"{name} must be at least 0, and not all of them zero")
    return weights


def merged(data: Dataset, weights: Array | None) -> tuple[Dataset, Array]:
    """Merge equal examples into one with their total weight, and sort them.

    In a full batch the order of the examples does not matter, so an example that occurs twice
    equals one of weight 2, bit for bit.
    """
    weights = np.ones(len(data), np.float32) if weights is None else weights
    rows = np.column_stack([data.images.reshape(len(data), -1).astype(np.float64), data.labels])
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return data.take(first), np.bincount(place.ravel(), weights).astype(np.float32)
