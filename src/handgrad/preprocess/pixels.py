"""Functions used by preprocessing steps: resizing, the edge colour, and parameter checks."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handgrad.errors import ModelError

Pixels = NDArray[np.uint8]  # (H, W, C)
Background = Literal["white", "black", "contrast"]

LARGEST = 4096  # the largest side that a step may produce, in pixels


def resized(X: Pixels, height: int, width: int) -> Pixels:
    """Resize an image, with a box filter if neither side grows, or else bilinearly."""
    H, W, C = X.shape
    if (height, width) == (H, W):
        return X
    shrinks = height <= H and width <= W
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    planes = X[:, :, 0] if C == 1 else X
    result = Image.fromarray(planes).resize((width, height), method)
    return np.asarray(result, np.uint8).reshape(height, width, C)


def edge_colour(X: Pixels) -> NDArray[np.uint8]:
    """Return the median colour of the pixels along the four edges, (C,)."""
    edges = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return np.median(edges, axis=0).astype(np.uint8)


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
    """Return a dataclass field that old model files lack; if it is missing, the default applies."""
    return field(default=default, metadata={"added_later": True})
