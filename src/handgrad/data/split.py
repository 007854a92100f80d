"""Split a dataset at random, with the same fraction of every class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError
from handgrad.random import generator


def stratified(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose a fraction of the images at random, with the same fraction of every class.

    Args:
        labels: the labels, (N,) integers 0..K-1.
        share: the fraction of images to choose, above 0 and below 1.
        seed: the random seed that determines the choice.

    Returns:
        True for each chosen image, (N,) bool. In a class with two or more images, at least one
        is chosen and at least one is not.

    Raises:
        ConfigError: if the fraction is out of range.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation must be a fraction above 0 and below 1, not {share}")
    order = generator(seed, "split").permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)

    chosen = np.zeros(len(labels), bool)
    ends = np.cumsum(counts)
    for start, count in zip(ends - counts, _counts_to_choose(counts, share), strict=True):
        chosen[by_class[start : start + count]] = True
    return chosen


def _counts_to_choose(counts: NDArray[np.integer[Any]], share: float) -> NDArray[np.int64]:
    """Return how many images to choose from each class, (K,).

    Each count is rounded down, and the classes with the largest remainders get one more image, so
    that the total is right. Every class with two or more images contributes at least one image to
    each part of the split.
    """
    exact = counts * share
    rounded = np.floor(exact).astype(np.int64)
    missing = round(float(counts.sum() * share)) - int(rounded.sum())
    rounded[np.argsort(rounded - exact, kind="stable")[:missing]] += 1
    return np.where(counts < 2, 0, np.clip(rounded, 1, np.maximum(counts - 1, 1)))
