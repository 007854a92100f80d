"""What several steps need: an image resized, the colour at its edge, sizes checked."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handgrad.errors import ModelError

Pixels = NDArray[np.uint8]  # (H, W, C)

LARGEST = 4096  # pixels on a side that a step may ask for


def resized(X: Pixels, height: int, width: int) -> Pixels:
    """Return an image of another size: the mean of the pixels where it shrinks both ways."""
    H, W, C = X.shape
    if (height, width) == (H, W):
        return X
    shrinks = height <= H and width <= W
    way = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    planes = X[:, :, 0] if C == 1 else X
    small = Image.fromarray(planes).resize((width, height), way)
    return np.asarray(small, np.uint8).reshape(height, width, C)


def edge_colour(X: Pixels) -> NDArray[np.uint8]:
    """Return the colour that is in the middle of those along the four edges, (C,)."""
    edges = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return np.median(edges, axis=0).astype(np.uint8)


def check_size(step: object, **sizes: Any) -> None:
    """Raise a ModelError unless these are numbers of pixels."""
    for name, size in sizes.items():
        if type(size) is not int or not 1 <= size <= LARGEST:
            raise ModelError(
                f"{name} of {type(step).__name__} must be a whole number of pixels, "
                f"1 to {LARGEST}, not {size!r}"
            )


def check_word(step: object, name: str, value: Any, words: tuple[Any, ...]) -> None:
    """Raise a ModelError unless a value is one of those that there are."""
    if not any(value is word or (type(value) is str and value == word) for word in words):
        known = ", ".join(map(repr, words))
        raise ModelError(f"{name} of {type(step).__name__} must be one of {known}, not {value!r}")


def later(default: int) -> Any:
    """Return a setting that a step has not always had: files from before mean the default."""
    return field(default=default, metadata={"later": True})


Ground = Literal["white", "black", "contrast"]
