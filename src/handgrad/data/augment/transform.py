"""Pixels moved, in NumPy: the truth that the compiled kernel is held against, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import grid as place_of
from handgrad.data.augment.augmentation import Augmentation
from handgrad.data.augment.grid import FINE, HEAD, LIGHT, PIXEL, Frame
from handgrad.layers import Array


def moved(
    images: NDArray[Any], table: Array, tables: Frame, augmentation: Augmentation
) -> NDArray[Any]:
    """Return changed copies of images.

    Each pixel is taken from a place in the old image, between the four pixels that are nearest
    to it (bilinear interpolation).

    Args:
        images: (N, C, H, W), uint8 or float32.
        table: what becomes of each: see `Moves.table`.
        tables: those for their size.
        augmentation: says what lies outside.
    """
    ground = augmentation.ground_of(images.dtype)
    N, C, _, W = images.shape
    whole = images.dtype == np.uint8
    old = _padded(images, None if augmentation.ground is None else ground)
    if (wider := table[:, place_of.STROKE]).any():
        _thicken(old, wider, whole)
    y, x = _sources(table, tables)
    corner = (y // PIXEL * (W + 3) + x // PIXEL)[:, None]
    right, down = ((at % PIXEL).astype(np.float32)[:, None] for at in (x, y))
    flat = old.reshape(N, C, -1)
    a, b, c, d = (np.take_along_axis(flat, corner + step, axis=2) for step in (0, 1, W + 3, W + 4))
    upper, lower = _between(a, b, right, whole), _between(c, d, right, whole)
    new = _between(upper, lower, down, whole)
    new = _toned(_rounded(new, PIXEL**2, whole), table, whole)
    new = new.astype(images.dtype, copy=False).reshape(images.shape)
    _erase(new, table, ground)
    return new


def _padded(images: NDArray[Any], ground: float | None) -> NDArray[Any]:
    """Return images with ground around: a pixel above and to the left, two on the other sides."""
    around = ((0, 0), (0, 0), (1, 2), (1, 2))
    if ground is None:
        return np.pad(images, around, mode="edge")
    return np.pad(images, around, constant_values=ground)


def _thicken(old: NDArray[Any], wider: Array, whole: bool) -> None:
    """Bring each pixel nearer to the lightest beside it, or the darkest where `wider` is negative.

    Args:
        old: padded images, (N, C, H + 3, W + 3).
        wider: how near, in 256ths, (N,).
        whole: whether pixels are whole numbers.
    """
    inside = old[:, :, 1:-2, 1:-2]
    beside = (
        inside,
        *(old[:, :, :-3, 1:-2], old[:, :, 2:-1, 1:-2]),
        *(old[:, :, 1:-2, :-3], old[:, :, 1:-2, 2:-1]),
    )
    t = wider[:, None, None, None]
    lightest: NDArray[Any] = np.maximum.reduce(beside)
    darkest: NDArray[Any] = np.minimum.reduce(beside)
    goal = np.where(t > 0, lightest, darkest)
    new = _between(inside, goal, np.abs(t), whole)
    inside[...] = _rounded(new, PIXEL, whole)


def _sources(table: Array, tables: Frame) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each pixel comes from, y and x, each (N, H·W), in 256ths of a padded pixel."""
    H, W = tables.size
    g, N = tables.knots, len(table)
    down, right = tables.half_pixels[:, : H * W]
    head = table.T[:, :, None]
    fine_y = head[place_of.Y] + head[place_of.Y_BY_Y] * down + head[place_of.Y_BY_X] * right
    fine_x = head[place_of.X] + head[place_of.X_BY_Y] * down + head[place_of.X_BY_X] * right
    y, x = (np.floor((fine + FINE / 2) / FINE).astype(np.int32) for fine in (fine_y, fine_x))
    if g:
        knots = table[:, HEAD:].reshape(N, g, tables.row)[:, :, : 2 * g]
        rows = np.floor((tables.down @ knots + PIXEL / 2) / PIXEL)  # (N, H, 2 g)
        across = tables.across[:, :W]
        for at, off in ((y, rows[:, :, :g]), (x, rows[:, :, g:])):
            at += np.floor((off @ across + PIXEL / 2) / PIXEL).astype(np.int32).reshape(N, -1)
    return _inside(y, H), _inside(x, W)


def _inside(at: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Return places held to within a pixel of the image, counted from one pixel before it."""
    return at.clip(-PIXEL, PIXEL * size) + PIXEL


def _between(a: NDArray[Any], b: NDArray[Any], share: Array, whole: bool) -> Array:
    """Return 256 times what lies between two numbers, given the share of the second in 256ths.

    Bytes make whole numbers that float32 holds. Of float32 the products are exact in float64, so
    that it makes no difference whether a processor rounds them before it adds.
    """
    wide = np.float32 if whole else np.float64
    made = a.astype(wide, copy=False) * (PIXEL - share) + b.astype(wide, copy=False) * share
    return made.astype(np.float32, copy=False)


def _rounded(A: Array, times: int, whole: bool) -> Array:
    """Return numbers that were made so many times as large, as they are."""
    return np.floor((A + times / 2) / times) if whole else A / times


def _toned(new: Array, table: Array, whole: bool) -> Array:
    """Return numbers (N, C, H·W) multiplied and lifted, of float32 with products exact again."""
    gain, lift = (table[:, column, None, None] for column in (place_of.GAIN, place_of.LIFT))
    if whole:
        return _rounded(new * gain + lift, PIXEL, whole)
    wide = new.astype(np.float64) * gain + lift.astype(np.float64) / LIGHT
    return (wide / PIXEL).astype(np.float32)


def _erase(images: NDArray[Any], table: Array, ground: float) -> None:
    """Blot out the rectangles."""
    sides = table[:, [place_of.TOP, place_of.BOTTOM, place_of.LEFT, place_of.RIGHT]].astype(int)
    for n in np.flatnonzero(sides.any(axis=1)):
        top, bottom, left, right = sides[n]
        images[n, :, top:bottom, left:right] = ground
