"""What moving images of one size needs, whichever image it is.

All numbers here, and all that are made of them, are whole and below 2²⁴, which float32 holds
exactly: so that sums have the same bits in whatever order they are made, and in every engine.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.layers import Array

LARGEST = 512  # pixels of a side
VECTOR = 16  # rows are made so many numbers long, or a multiple of it

HEAD = VECTOR  # numbers that say what becomes of an image, before those of the distortion
# Where each of them stands: the place that the middle comes from, how it moves with each half
# pixel down and to the right, the rectangle that is erased, how much wider strokes are, and what
# lightness is multiplied with and then lifted by.
Y, Y_BY_Y, Y_BY_X, X, X_BY_Y, X_BY_X, TOP, BOTTOM, LEFT, RIGHT, STROKE, GAIN, LIFT = range(13)
LIGHT = 255  # that of the lightest byte

PIXEL = 256  # a place is counted in so many parts of a pixel
FINE = 16  # and the place of the middle, and steps, in so many parts of that


class Frame(NamedTuple):
    """The tables for images of one size.

    Attributes:
        size: height and width.
        knots: how many knots of the distortion lie along a side; 0: it is not bent.
        row: the numbers in a row of knots, all y beside all x.
        half_pixels: how far each pixel lies below and right of the middle, (2, H·W rounded up).
        down: the weights of the knots for each row of pixels, (H, knots).
        across: those for each column, (knots, W rounded up).
    """

    size: tuple[int, int]
    knots: int
    row: int
    half_pixels: Array
    down: Array
    across: Array

    @property
    def width(self) -> int:
        """How many numbers say what becomes of an image."""
        return HEAD + self.knots * self.row


@cache
def frame(height: int, width: int, waves: int) -> Frame:
    """Return the tables for images of a size.

    Args:
        height: the pixels of a column, H.
        width: the pixels of a row, W.
        waves: how often the distortion may change along a side; 0: there is none.

    Raises:
        DataError: if the images are too large.
    """
    if max(height, width) > LARGEST:
        raise DataError(
            f"images of {height}x{width} are too large to be augmented; bring them to at most "
            f"{LARGEST} pixels"
        )
    knots = waves + 3 if waves else 0
    half_pixels = np.zeros((2, _rounded(height * width)), np.float32)
    places = np.mgrid[0:height, 0:width].reshape(2, -1)
    half_pixels[:, : height * width] = 2 * places - [[height - 1], [width - 1]]
    across = np.zeros((knots, _rounded(width)), np.float32)
    across[:, :width] = _spline(width, waves).T
    down = np.ascontiguousarray(_spline(height, waves))
    return Frame((height, width), knots, _rounded(2 * knots), half_pixels, down, across)


def spread(weights: Array) -> float:
    """Return the root mean square over pixels of the length of their weights, in whole knots."""
    return float(np.sqrt((weights.astype(np.float64) ** 2).sum(axis=1).mean())) / PIXEL


def _spline(size: int, waves: int) -> NDArray[np.float32]:
    """Return how much each knot of a cubic B-spline counts at each pixel, (size, knots), in 256ths.

    Those of a pixel are 256 together. Knots lie size/waves apart, and one more beyond each end.
    """
    if not waves:
        return np.zeros((size, 0), np.float32)
    at = (np.arange(size) + 0.5) * waves / size  # in knots
    first = np.floor(at).astype(np.int64)
    t = at - first
    parts = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    weights = np.zeros((size, waves + 3), np.float32)
    for k, part in enumerate(parts):
        weights[np.arange(size), first + k] = np.rint(part * PIXEL / 6)
    weights[np.arange(size), first + 1] += PIXEL - weights.sum(axis=1)
    return weights


def _rounded(count: int) -> int:
    """Return a count rounded up to whole vectors."""
    return -(-count // VECTOR) * VECTOR
