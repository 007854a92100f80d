"""Convert arrays to small images that are embedded in an HTML page."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from handgrad.explain.format import number
from handgrad.html.images import png_uri
from handgrad.layers import Array

MAX_IMAGES = 32  # of one array
SIDE = 84  # pixels on the screen, the longer side of one image

BELOW, ABOVE = np.array([0, 114, 178]), np.array([213, 94, 0])  # distinct for colour-blind readers


class Tiles(NamedTuple):
    """An array drawn as images.

    Attributes:
        sources: the data URL of each image.
        width: the width of one image on the screen, in pixels.
        height: the height of one image on the screen, in pixels.
        scale: a description of what the colours mean.
        left_out: the number of images that are omitted because there are too many.
    """

    sources: list[str]
    width: int
    height: int
    scale: str
    left_out: int


def tiles(array: Array) -> Tiles | None:
    """Convert an array (A, B, H, W) to images, or return None if it does not have four axes."""
    if array.ndim != 4 or min(array.shape[2:]) < 2:
        return None
    planes = array.reshape(-1, *array.shape[2:])
    zoom = max(SIDE // max(planes.shape[1:]), 1)
    height, width = (zoom * size for size in planes.shape[1:])
    low, high = float(array.min()), float(array.max())
    sources = [png_uri(_colours(plane, low, high)) for plane in planes[:MAX_IMAGES]]
    return Tiles(sources, width, height, _scale(low, high), max(len(planes) - MAX_IMAGES, 0))


def _colours(plane: Array, low: float, high: float) -> Array:
    """Convert numbers (H, W) to colours (H, W, 3): gray, or two colours with white at zero."""
    if low >= 0:
        return np.repeat(plane[..., None] / (high or 1) * 255, 3, axis=2)
    share = (plane / max(-low, high))[..., None]
    ends = np.where(share < 0, BELOW, ABOVE)
    return 255 + abs(share) * (ends - 255)


def _scale(low: float, high: float) -> str:
    if low >= 0:
        return f"black 0, white {number(high)}"
    far = max(-low, high)
    return f"blue {number(-far)}, white 0, orange {number(far)}"
