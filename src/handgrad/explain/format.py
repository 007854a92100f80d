"""Arrays in few words: small ones whole, large ones summarised."""

from __future__ import annotations

import numpy as np

from handgrad.layers import Array

WHOLE = 16  # an array of so many numbers is shown whole
LARGEST = 3


def shape(array: Array) -> str:
    """Return a shape in words, such as 1x28x28."""
    return "x".join(map(str, array.shape)) or "one number"


def number(value: float) -> str:
    """Return a number with four digits that count."""
    return f"{value:.4g}".replace("-", "−")


def words(array: Array) -> str:
    """Return an array's numbers: all of a small one, of a large one what they are like.

    >>> words(np.array([[0.5, -2.0]]))
    '0.5, −2'
    >>> words(np.arange(24.0).reshape(2, 3, 4))
    'min 0, mean 11.5, max 23; 4% zero; farthest from 0: [1,2,3] 23, [1,2,2] 22, [1,2,1] 21'
    """
    if array.size <= WHOLE:
        return ", ".join(map(number, array.reshape(-1)))
    if array.min() == array.max():
        return f"all {number(array.flat[0])}"
    ends = f"min {number(array.min())}, mean {number(array.mean())}, max {number(array.max())}"
    zeros = np.mean(array == 0)
    share = f"{zeros:.0%} zero; " if zeros else ""
    return f"{ends}; {share}farthest from 0: {_farthest(array)}"


def _farthest(array: Array) -> str:
    """Return the numbers farthest from zero, each with its place."""
    order = np.argsort(-abs(array), axis=None, kind="stable")[:LARGEST]
    places = zip(*np.unravel_index(order, array.shape), strict=True)
    return ", ".join(f"[{','.join(map(str, place))}] {number(array[place])}" for place in places)
