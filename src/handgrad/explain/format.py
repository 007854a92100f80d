"""Format arrays as short text: all numbers of a small array, or a summary of a large array."""

from __future__ import annotations

import numpy as np

from handgrad.layers import Array

MAX_SHOWN = 16  # numbers; a larger array is summarised
LARGEST = 3


def shape(array: Array) -> str:
    """Return a shape as text, such as 1x28x28."""
    return "x".join(map(str, array.shape)) or "one number"


def number(value: float) -> str:
    """Format a number with four significant digits."""
    return f"{value:.4g}".replace("-", "−")


def words(array: Array) -> str:
    """Format an array as text: all numbers of a small array, or a summary of a large array.

    >>> words(np.array([[0.5, -2.0]]))
    '0.5, −2'
    >>> words(np.arange(24.0).reshape(2, 3, 4))
    'min 0, mean 11.5, max 23; 4% zero; farthest from 0: [1,2,3] 23, [1,2,2] 22, [1,2,1] 21'
    """
    if array.size <= MAX_SHOWN:
        return ", ".join(map(number, array.reshape(-1)))
    if array.min() == array.max():
        return f"all {number(array.flat[0])}"
    ends = f"min {number(array.min())}, mean {number(array.mean())}, max {number(array.max())}"
    zeros = np.mean(array == 0)
    share = f"{zeros:.0%} zero; " if zeros else ""
    return f"{ends}; {share}farthest from 0: {_farthest(array)}"


def _farthest(array: Array) -> str:
    """Return the numbers with the largest absolute values, each with its index."""
    order = np.argsort(-abs(array), axis=None, kind="stable")[:LARGEST]
    places = zip(*np.unravel_index(order, array.shape), strict=True)
    return ", ".join(f"[{','.join(map(str, place))}] {number(array[place])}" for place in places)
