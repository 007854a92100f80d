"""Functions used by preprocessing steps: percentiles, sizes, and parameter checks.

All of them use integers only, so that every runtime can compute exactly the same.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ModelError

Pixels = NDArray[np.uint8]  # (H, W, C)
Background = Literal["white", "black", "contrast"]

LARGEST = 4096  # the largest side that a step may produce, in pixels


def percentile(X: NDArray[Any], percent: int) -> int:
    """Return the smallest value v such that at least `percent` % of the pixels are at most v.

    The pixels are integers from 0 to 255.
    """
    place = -(-percent * X.size // 100) - 1
    return int(np.sort(X, axis=None, kind="stable")[place]) if place >= 0 else 0


def edge_colour(X: Pixels) -> NDArray[np.uint8]:
    """Return the median colour of the pixels along the four edges, (C,).

    The pixels in the corners count twice.
    """
    edges = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return np.array([percentile(channel, 50) for channel in edges.T], np.uint8)


def fitted(X: Pixels, height: int, width: int) -> tuple[int, int]:
    """Return the largest size within height x width that keeps an image's aspect ratio."""
    H, W, _ = X.shape
    if height * W <= width * H:
        return height, max(1, divided(W * height, H))
    return max(1, divided(H * width, W)), width


def divided(numerator: Any, denominator: int) -> Any:
    """Return a fraction of integers, rounded to the nearest integer; halves are rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)


def check_size(step: object, **sizes: Any) -> None:
    """Raise a ModelError unless all sizes are integers from 1 to `LARGEST`."""
    for name, size in sizes.items():
        if type(size) is not int or not 1 <= size <= LARGEST:
            raise ModelError(
                f"{name} of {type(step).__name__} must be an integer from 1 to {LARGEST}, "
                f"not {size!r}"
            )


def check_choice(step: object, name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise a ModelError unless a value is one of the choices."""
    if not any(value is choice or (type(value) is str and value == choice) for choice in choices):
        known = ", ".join(map(repr, choices))
        raise ModelError(f"{name} of {type(step).__name__} must be one of {known}, not {value!r}")


def added_later(default: int) -> Any:
    """Return a dataclass field that has its default value in older model files."""
    return field(default=default, metadata={"added_later": True})
