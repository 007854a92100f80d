"""The seeded split of a dataset in two, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError
from handgrad.random import generator


def stratified(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose a share of the images at random, the same share of every class.

    Args:
        labels: (N,) whole numbers 0..K-1.
        share: how many to choose, above 0 and below 1.
        seed: decides which.

    Returns:
        True for each chosen image, (N,) bool. A class of two or more has both kinds.

    Raises:
        ConfigError: if the share is none.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation must be a share above 0 and below 1, not {share}")
    order = generator(seed, "split").permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)

    chosen = np.zeros(len(labels), bool)
    ends = np.cumsum(counts)
    for start, count in zip(ends - counts, _shares(counts, share), strict=True):
        chosen[by_class[start : start + count]] = True
    return chosen


def _shares(counts: NDArray[np.integer[Any]], share: float) -> NDArray[np.int64]:
    """Return how many to choose of each class, (K,).

    Each class gets its share rounded down, and those with the largest remainder one more, so that
    the sum is right too; unless classes are too small to give each one, and keep one.
    """
    exact = counts * share
    whole = np.floor(exact).astype(np.int64)
    missing = round(float(counts.sum() * share)) - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return np.where(counts < 2, 0, np.clip(whole, 1, np.maximum(counts - 1, 1)))
