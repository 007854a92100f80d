"""Transform images in NumPy. The compiled kernel must produce bit-identical results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import layout as column_of
from handgrad.data.augment.grid import SamplingGrid
from handgrad.data.augment.layout import FINE, HEAD, LIGHT, PIXEL
from handgrad.layers import Array


def transform(
    images: NDArray[Any], parameters: Array, grid: SamplingGrid, fill: float, repeat_edges: bool
) -> NDArray[Any]:
    """Return copies of the images after the transformations that `parameters` describe.

    Each new pixel is interpolated bilinearly from the four pixels around its source position.

    Args:
        images: the images, (N, C, H, W), uint8 or float32.
        parameters: the parameters of each image, from `EpochAugmentation.sample`.
        grid: the sampling tables for images of this size.
        fill: the value that fills areas outside the images and erased rectangles.
        repeat_edges: whether to fill areas outside the image by repeating its edge pixels, rather
            than with `fill`.
    """
    N, C, _, W = images.shape
    rounds = images.dtype == np.uint8
    old = _padded(images, None if repeat_edges else fill)
    if (change := parameters[:, column_of.STROKE]).any():
        _change_strokes(old, change, rounds)
    y, x = _source_positions(parameters, grid)
    corner = (y // PIXEL * (W + 3) + x // PIXEL)[:, None]
    right, down = ((at % PIXEL).astype(np.float32)[:, None] for at in (x, y))
    flat = old.reshape(N, C, -1)
    a, b, c, d = (np.take_along_axis(flat, corner + step, axis=2) for step in (0, 1, W + 3, W + 4))
    upper, lower = _interpolated(a, b, right, rounds), _interpolated(c, d, right, rounds)
    new = _interpolated(upper, lower, down, rounds)
    new = _with_lightness(_divided(new, PIXEL**2, rounds), parameters, rounds)
    new = new.astype(images.dtype, copy=False).reshape(images.shape)
    _erase(new, parameters, fill)
    return new


def _padded(images: NDArray[Any], fill: float | None) -> NDArray[Any]:
    """Pad images by one pixel above and to the left, and by two below and to the right."""
    around = ((0, 0), (0, 0), (1, 2), (1, 2))
    if fill is None:
        return np.pad(images, around, mode="edge")
    return np.pad(images, around, constant_values=fill)


def _change_strokes(old: NDArray[Any], change: Array, rounds: bool) -> None:
    """Dilate or erode light strokes, in place.

    Each pixel is interpolated towards its lightest neighbour, or towards its darkest neighbour if
    the change is negative.

    Args:
        old: padded images, (N, C, H + 3, W + 3).
        change: the weight of the neighbour in 1/256, (N,).
        rounds: whether to round the results to integers.
    """
    inside = old[:, :, 1:-2, 1:-2]
    neighbours = (
        inside,
        *(old[:, :, :-3, 1:-2], old[:, :, 2:-1, 1:-2]),
        *(old[:, :, 1:-2, :-3], old[:, :, 1:-2, 2:-1]),
    )
    t = change[:, None, None, None]
    lightest: NDArray[Any] = np.maximum.reduce(neighbours)
    darkest: NDArray[Any] = np.minimum.reduce(neighbours)
    target = np.where(t > 0, lightest, darkest)
    new = _interpolated(inside, target, np.abs(t), rounds)
    inside[...] = _divided(new, PIXEL, rounds)


def _source_positions(
    parameters: Array, grid: SamplingGrid
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the y and x coordinates from which each pixel is taken, (N, H·W) each.

    They are coordinates in the padded image, in 1/256 pixel.
    """
    H, W = grid.size
    K, N = grid.control_points, len(parameters)
    down, right = grid.half_pixels[:, : H * W]
    head = parameters.T[:, :, None]
    fine_y = head[column_of.Y] + head[column_of.Y_BY_Y] * down + head[column_of.Y_BY_X] * right
    fine_x = head[column_of.X] + head[column_of.X_BY_Y] * down + head[column_of.X_BY_X] * right
    y, x = (np.floor((fine + FINE / 2) / FINE).astype(np.int32) for fine in (fine_y, fine_x))
    if K:
        offsets = parameters[:, HEAD:].reshape(N, K, grid.row)[:, :, : 2 * K]
        rows = np.floor((grid.down @ offsets + PIXEL / 2) / PIXEL)  # (N, H, 2 K)
        across = grid.across[:, :W]
        for position, offset in ((y, rows[:, :, :K]), (x, rows[:, :, K:])):
            position += (
                np.floor((offset @ across + PIXEL / 2) / PIXEL).astype(np.int32).reshape(N, -1)
            )
    return _clipped(y, H), _clipped(x, W)


def _clipped(position: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Clip positions to the padded image, and return them relative to its first pixel."""
    return position.clip(-PIXEL, PIXEL * size) + PIXEL


def _interpolated(a: NDArray[Any], b: NDArray[Any], weight: Array, rounds: bool) -> Array:
    """Interpolate two values, and return 256 times the result; the second has the weight w/256.

    For uint8 values, float32 represents the result exactly. For float32 values, the products are
    computed exactly in float64, so a fused multiply-add does not change the result.
    """
    dtype = np.float32 if rounds else np.float64
    result = a.astype(dtype, copy=False) * (PIXEL - weight) + b.astype(dtype, copy=False) * weight
    return result.astype(np.float32, copy=False)


def _divided(A: Array, divisor: int, rounds: bool) -> Array:
    """Divide pixel values by a divisor; if the images are uint8, also round half up."""
    return np.floor((A + divisor / 2) / divisor) if rounds else A / divisor


def _with_lightness(new: Array, parameters: Array, rounds: bool) -> Array:
    """Apply gain and offset to pixels (N, C, H·W). Products of float32 are exact in float64."""
    gain, lift = (parameters[:, column, None, None] for column in (column_of.GAIN, column_of.LIFT))
    if rounds:
        return _divided(new * gain + lift, PIXEL, rounds)
    exact = new.astype(np.float64) * gain + lift.astype(np.float64) / LIGHT
    return (exact / PIXEL).astype(np.float32)


def _erase(images: NDArray[Any], parameters: Array, fill: float) -> None:
    """Fill the rectangle that is to be erased in each image, in place."""
    columns = [column_of.TOP, column_of.BOTTOM, column_of.LEFT, column_of.RIGHT]
    sides = parameters[:, columns].astype(int)
    for n in np.flatnonzero(sides.any(axis=1)):
        top, bottom, left, right = sides[n]
        images[n, :, top:bottom, left:right] = fill
