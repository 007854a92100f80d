"""Separable filters with integer weights: resizing and smoothing.

A filter along one axis is a matrix with one row per output pixel. The weights of a row are integers
whose sum is exactly 2^15. An output pixel is ``(sum of weight * pixel + 2^14) >> 15``, limited to
0..255, because a cubic filter has negative weights. The absolute value of any partial sum is below
2^24, so that int32 and float32 are exact, in any order of summation.
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


def resized(X: Pixels, height: int, width: int, *, cubic: bool = False) -> Pixels:
    """Resize an image: an axis that shrinks is averaged, and one that grows is interpolated.

    Args:
        X: the image, (H, W, C).
        height: the height of the result, in pixels.
        width: the width of the result, in pixels.
        cubic: whether to interpolate with cubic polynomials instead of linearly.
    """
    if X.shape[0] != height:
        X = _filtered(X, _resize_blocks(X.shape[0], height, cubic))
    if X.shape[1] != width:
        blocks = _resize_blocks(X.shape[1], width, cubic)
        X = _filtered(X.transpose(1, 0, 2), blocks).transpose(1, 0, 2)
    return X


def smoothed(X: Pixels, radius: int) -> Pixels:
    """Smooth an image with a triangular filter, which repeats the pixels at the edges."""
    for _ in range(2):  # along rows, then along columns
        X = _filtered(X, _smooth_blocks(X.shape[0], radius)).transpose(1, 0, 2)
    return X


def resize_weights(size: int, new: int, cubic: bool = False) -> NDArray[np.int64]:
    """Return the matrix (new, size) that resizes an axis.

    If the axis shrinks, the weight of an input pixel is the share of the output pixel that it
    covers. If the axis grows, the two input pixels whose centres are nearest are interpolated
    linearly, or the nearest four with cubic polynomials.

    Args:
        size: the number of input pixels.
        new: the number of output pixels.
        cubic: whether to interpolate with cubic polynomials.
    """
    rows = np.arange(new)[:, None]
    return _quantized(_shares(rows, np.arange(size), size, new, cubic))


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
    rows: NDArray[np.int64], inputs: NDArray[np.int64], size: int, new: int, cubic: bool
) -> NDArray[np.int64]:
    """Return the exact weights of some input pixels, times the sum of all weights of a row.

    A pixel outside the image has the value of the nearest pixel inside.
    """
    if new < size:
        start = np.maximum(rows * size, inputs * new)
        stop = np.minimum((rows + 1) * size, (inputs + 1) * new)
        return np.maximum(stop - start, 0)
    place = (2 * rows + 1) * size - new  # of the output pixel's centre, in 1 / (2 new) input pixels
    if cubic:
        near = place // (2 * new) + np.arange(-1, 3)
        shares = _cubic(abs(place - 2 * new * near), 2 * new)
        is_near = inputs == np.clip(near, 0, size - 1)[:, :, None]
        return np.where(is_near, shares[:, :, None], 0).sum(axis=1)
    place = np.clip(place, 0, 2 * new * (size - 1))
    return np.maximum(2 * new - abs(place - 2 * new * inputs), 0)


def _cubic(distance: NDArray[np.int64], one: int) -> NDArray[np.int64]:
    """Return the weights of pixels by their distance in 1 / `one` pixels, times ``4 * one ** 3``.

    R. Keys (1981), "Cubic convolution interpolation for digital image processing", with -3/4 as
    the slope at distance 1.
    """
    near = 4 * one * one + 4 * one * distance - 5 * distance * distance
    return (one - distance) * np.where(distance <= one, near, 3 * (2 * one - distance) ** 2)


def _quantized(shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Scale the weights of each row to integers with the sum `ONE`.

    The cumulative sums are scaled and rounded, halves up. Their differences are the weights.
    """
    sums = np.cumsum(shares, axis=1)
    total = sums[:, -1:]
    return np.diff((2 * ONE * sums + total) // (2 * total), axis=1, prepend=0)


@lru_cache(maxsize=256)
def _resize_blocks(size: int, new: int, cubic: bool) -> tuple[Block, ...]:
    """Return the matrix of `resize_weights` in blocks of rows, without columns of zeros."""
    blocks = []
    reach = 2 if cubic else 1
    for first in range(0, new, _ROWS):
        rows = np.arange(first, min(first + _ROWS, new))
        start = max(0, int(rows[0]) * size // new - reach)
        stop = min(size, (int(rows[-1]) + 1) * size // new + 1 + reach)
        shares = _shares(rows[:, None], np.arange(start, stop), size, new, cubic)
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
        np.clip(sums, 0, 255, out=sums)
        parts.append(sums.astype(np.uint8))  # which rounds down
    return np.concatenate(parts).reshape(-1, W, C)
