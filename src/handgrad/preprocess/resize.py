"""Separable filters with integer weights: resizing and smoothing.

A filter along one axis is a matrix with one row per output pixel. The weights of a row are integers
whose sum is exactly 2^15. An output pixel is ``(sum of weight * pixel + 2^14) >> 15``. The sum is
below 2^24, so that int32 and float32 are exact, in any order of summation.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import Pixels

ONE = 1 << 15  # the sum of the weights of a row
_ROWS = 32  # output rows that are computed by one matrix product

# The first input pixel, and the weights (outputs, inputs) of some consecutive output pixels.
Block = tuple[int, NDArray[np.float32]]


def resized(X: Pixels, height: int, width: int) -> Pixels:
    """Resize an image: an axis that shrinks is averaged, and one that grows is interpolated."""
    if X.shape[0] != height:
        X = _filtered(X, _resize_blocks(X.shape[0], height))
    if X.shape[1] != width:
        X = _filtered(X.transpose(1, 0, 2), _resize_blocks(X.shape[1], width)).transpose(1, 0, 2)
    return X


def smoothed(X: Pixels, radius: int) -> Pixels:
    """Smooth an image with a triangular filter, which repeats the pixels at the edges."""
    for _ in range(2):  # along rows, then along columns
        X = _filtered(X, _smooth_blocks(X.shape[0], radius)).transpose(1, 0, 2)
    return X


def resize_weights(size: int, new: int) -> NDArray[np.int64]:
    """Return the matrix (new, size) that resizes an axis.

    If the axis shrinks, the weight of an input pixel is the share of the output pixel that it
    covers. If the axis grows, the two input pixels whose centres are nearest are interpolated
    linearly.

    Args:
        size: the number of input pixels.
        new: the number of output pixels.
    """
    rows = np.arange(new)[:, None]
    return _quantized(_shares(rows, np.arange(size), size, new))


def smooth_weights(size: int, radius: int) -> NDArray[np.int64]:
    """Return the matrix (size, size) of a triangular filter.

    The weight decreases linearly with the distance, and is 0 from `radius` on. A pixel outside the
    image has the value of the nearest pixel inside.

    Args:
        size: the number of pixels.
        radius: the distance from which on the weight is 0, in pixels.
    """
    offsets = np.arange(1 - radius, radius)
    shares = np.zeros((size, size), np.int64)
    for offset in offsets.tolist():
        inputs = np.clip(np.arange(size) + offset, 0, size - 1)
        shares[np.arange(size), inputs] += radius - abs(offset)
    return _quantized(shares)


def _shares(
    rows: NDArray[np.int64], inputs: NDArray[np.int64], size: int, new: int
) -> NDArray[np.int64]:
    """Return the exact weights of some input pixels, times the sum of all weights of a row."""
    if new < size:
        start = np.maximum(rows * size, inputs * new)
        stop = np.minimum((rows + 1) * size, (inputs + 1) * new)
        return np.maximum(stop - start, 0)
    place = (2 * rows + 1) * size - new  # of the output pixel's centre, in 1 / (2 new) input pixels
    place = np.clip(place, 0, 2 * new * (size - 1))
    return np.maximum(2 * new - abs(place - 2 * new * inputs), 0)


def _quantized(shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Scale the weights of each row to integers with the sum `ONE`.

    The cumulative sums are scaled and rounded, halves up. Their differences are the weights.
    """
    sums = np.cumsum(shares, axis=1)
    total = sums[:, -1:]
    return np.diff((2 * ONE * sums + total) // (2 * total), axis=1, prepend=0)


@lru_cache(maxsize=256)
def _resize_blocks(size: int, new: int) -> tuple[Block, ...]:
    """Return the matrix of `resize_weights` in blocks of rows, without columns of zeros."""
    blocks = []
    for first in range(0, new, _ROWS):
        rows = np.arange(first, min(first + _ROWS, new))
        start = max(0, int(rows[0]) * size // new - 1)
        stop = min(size, (int(rows[-1]) + 1) * size // new + 2)
        shares = _shares(rows[:, None], np.arange(start, stop), size, new)
        blocks.append((start, _quantized(shares).astype(np.float32)))
    return tuple(blocks)


@lru_cache(maxsize=64)
def _smooth_blocks(size: int, radius: int) -> tuple[Block, ...]:
    """Return the matrix of `smooth_weights` as a single block."""
    return ((0, smooth_weights(size, radius).astype(np.float32)),)


def _filtered(X: Pixels, blocks: tuple[Block, ...]) -> Pixels:
    """Apply a filter along the first axis of an image."""
    _, W, C = X.shape
    flat = X.reshape(len(X), W * C)
    parts = []
    for start, weights in blocks:
        sums = weights @ flat[start : start + weights.shape[1]].astype(np.float32)
        sums += ONE // 2
        sums *= np.float32(1 / ONE)
        parts.append(sums.astype(np.uint8))  # which rounds down
    return np.concatenate(parts).reshape(-1, W, C)
