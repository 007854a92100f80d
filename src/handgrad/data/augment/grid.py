"""The sampling tables for images of one size: coordinates and spline weights.

All values in these tables, and all sums of them, are integers below 2²⁴, which float32 represents
exactly. Therefore the results are bit-identical in every engine, whatever the order of summation.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment.layout import HEAD, PIXEL, VECTOR
from handgrad.errors import DataError
from handgrad.layers import Array

LARGEST = 512  # the largest side, in pixels


class SamplingGrid(NamedTuple):
    """The tables for images of one size. K is the number of control points along a side.

    Attributes:
        size: the height and width.
        control_points: K, or 0 if there is no elastic distortion.
        row: the number of offsets in a row of control points, in which all y offsets precede all x
            offsets.
        half_pixels: the vertical and horizontal offset of each pixel from the centre, in half
            pixels, (2, H·W rounded up). Offsets to the bottom and to the right are positive.
        down: the spline weights of the control points for each row of pixels, (H, K).
        across: the spline weights of the control points for each column of pixels, (K, W rounded
            up).
    """

    size: tuple[int, int]
    control_points: int
    row: int
    half_pixels: Array
    down: Array
    across: Array

    @property
    def width(self) -> int:
        """The number of augmentation parameters per image."""
        return HEAD + self.control_points * self.row


@cache
def sampling_grid(height: int, width: int, intervals: int) -> SamplingGrid:
    """Return the sampling tables for images of one size.

    Args:
        height: H, in pixels.
        width: W, in pixels.
        intervals: the number of spline intervals along a side, or 0 for no elastic distortion.

    Raises:
        DataError: if the images are too large.
    """
    if max(height, width) > LARGEST:
        raise DataError(
            f"images of {height}x{width} pixels are too large to augment; resize them to at most "
            f"{LARGEST} pixels per side"
        )
    K = intervals + 3 if intervals else 0
    half_pixels = np.zeros((2, _rounded_up(height * width)), np.float32)
    positions = np.mgrid[0:height, 0:width].reshape(2, -1)
    half_pixels[:, : height * width] = 2 * positions - [[height - 1], [width - 1]]
    across = np.zeros((K, _rounded_up(width)), np.float32)
    across[:, :width] = _spline(width, intervals).T
    down = np.ascontiguousarray(_spline(height, intervals))
    return SamplingGrid((height, width), K, _rounded_up(2 * K), half_pixels, down, across)


def rms_weight(weights: Array) -> float:
    """Return the root mean square of the L2 norms of the pixels' spline weights."""
    return float(np.sqrt((weights.astype(np.float64) ** 2).sum(axis=1).mean())) / PIXEL


def _spline(size: int, intervals: int) -> NDArray[np.float32]:
    """Return the weights of a cubic B-spline at each pixel, (size, control points), in 1/256.

    The weights of a pixel sum to 256. Control points are size/intervals apart.
    """
    if not intervals:
        return np.zeros((size, 0), np.float32)
    at = (np.arange(size) + 0.5) * intervals / size  # in intervals
    first = np.floor(at).astype(np.int64)
    t = at - first
    parts = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    weights = np.zeros((size, intervals + 3), np.float32)
    for k, part in enumerate(parts):
        weights[np.arange(size), first + k] = np.rint(part * PIXEL / 6)
    weights[np.arange(size), first + 1] += PIXEL - weights.sum(axis=1)
    return weights


def _rounded_up(count: int) -> int:
    """Return a count rounded up to a multiple of `VECTOR`."""
    return -(-count // VECTOR) * VECTOR
