"""Turn rows of pixels into images: the order of the pixels, and the shape of the images."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError

Layout = tuple[int, int, int]  # channels, height, width

_COLOURS = {"red": 0, "r": 0, "green": 1, "g": 1, "blue": 2, "b": 2}
_COLOUR = re.compile(r"(?<![a-z])(red|green|blue|[rgb])(?=[\W_]*\d|$)")
_HORIZONTAL, _VERTICAL = ("x", "c", "col", "column", "w"), ("y", "r", "row", "h")
_SAMPLE = 200  # images
_CLEAR = 1.1  # by which one order of colours must be smoother than the other
_ASSUMED = (
    "three planes are assumed, because the order is unclear; columns named r0, g0, b0, r1, ... or "
    "images (N, H, W, 3) state it"
)


def is_square(count: int) -> bool:
    """Return whether `count` pixels form a square grey or colour image.

    >>> is_square(784), is_square(3072), is_square(785)
    (True, True, False)
    """
    return _square(count) is not None


def to_images(rows: NDArray[Any], layout: Layout | None, name: str) -> tuple[NDArray[Any], str]:
    """Return the images (N, C, H, W) in rows (N, P), and a description such as "28x28".

    Args:
        rows: one image per row. Grey pixels are ordered row by row. The three values of a colour
            image are interleaved, or form three planes; the smoother interpretation is chosen. If
            neither is clearly smoother, the description says that three planes are assumed.
        layout: the shape of one image, or None if it is square.
        name: the name that the error message uses for the rows.

    Raises:
        DataError: if the number of pixels does not form a square image.
    """
    has_alpha = layout is None and _are_opaque(rows)
    if has_alpha:
        rows = rows.reshape(len(rows), -1, 4)[:, :, :3].reshape(len(rows), -1)
    count = rows.shape[1]
    shape = layout or square_layout(count, name)
    C, H, W = shape
    size = f"{count:,} pixels, {H}x{W}"
    if C == 1 or layout is not None:
        return rows.reshape(len(rows), C, H, W), size + (" in colour" if C == 3 else "")
    order = "interleaved" if has_alpha else _order_of_colours(rows, H)
    size += f" in colour ({order})"
    if order != "interleaved":
        return rows.reshape(len(rows), C, H, W), size
    return np.ascontiguousarray(rows.reshape(len(rows), H, W, C).transpose(0, 3, 1, 2)), size


def square_layout(count: int, name: str) -> Layout:
    """Return the shape of a square grey or colour image with `count` values.

    Raises:
        DataError: if there is no such shape; `name` is the name of the rows.
    """
    if shape := _square(count):
        return shape
    raise DataError(f"{name}: {count:,} pixels per row do not form a square grey or colour image")


def pixel_layout(names: Sequence[str]) -> tuple[list[int], Layout | None]:
    """Return the order of the pixels that their names state, and the shape of one image.

    Names such as pixel0, pixel1, ... state an order only; r0c0, 1x1 and x0y0 also state the shape.

    Returns:
        The indices of the names in the order (channel, row, column), and the shape, or None if the
        names do not state it.

    Raises:
        DataError: if the numbers in the names leave out a pixel or repeat one.
    """
    lower = [name.strip().lower() for name in names]
    channels = [_COLOURS[found[1]] if (found := _COLOUR.search(name)) else 0 for name in lower]
    if len(set(channels)) != 3:
        channels = [0] * len(names)
    numbers = [[int(n) for n in re.findall(r"\d{1,9}", name)] for name in lower]
    if len({len(n) for n in numbers}) != 1 or not numbers[0]:
        return list(range(len(names))), None
    grid = np.array(numbers)
    grid = grid[:, (grid != grid[0]).any(axis=0)]  # a constant number is no coordinate
    if grid.shape[1] not in (1, 2, 3):
        return list(range(len(names))), None
    if grid.shape[1] == 3:
        channels, grid = _split_channels(grid)
    elif grid.shape[1] == 2 and _is_column_first(lower[0]):
        grid = grid[:, ::-1]
    grid = np.column_stack([channels, grid - grid.min(axis=0)])
    sizes = grid.max(axis=0) + 1
    if math.prod(sizes.tolist()) != len(names) or len(np.unique(grid, axis=0)) != len(names):
        raise DataError(
            f"the names of the pixel columns, from {names[0]} to {names[-1]}, leave out a pixel or "
            "repeat one; give all pixels of the images"
        )
    order = np.lexsort(grid.T[::-1]).tolist()
    C, *inner = sizes.tolist()
    if len(inner) == 2:
        return order, (C, inner[0], inner[1])
    side = math.isqrt(inner[0])
    return order, (C, side, side) if C == 3 and side * side == inner[0] else None


def _square(count: int) -> Layout | None:
    """Return the shape (C, H, W) of square images with `count` values, or None."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side and channels * side * side == count:
            return channels, side, side
    return None


def _split_channels(grid: NDArray[np.int64]) -> tuple[list[int], NDArray[np.int64]]:
    """Return the channels and the (row, column) pairs of coordinates.

    The channel is the first or the last of the three numbers.
    """
    sizes = (grid.max(axis=0) - grid.min(axis=0) + 1).tolist()
    if 3 not in (sizes[0], sizes[2]) or sizes[0] == sizes[2]:
        raise DataError(
            "it is unclear which number in the pixel names is the channel; name them r, g, b"
        )
    axis = 0 if sizes[0] == 3 else 2
    channel = grid[:, axis] - grid[:, axis].min()
    return channel.tolist(), np.delete(grid, axis, axis=1)


def _is_column_first(name: str) -> bool:
    """Return whether a name such as x0y0 or c0r0 states the column before the row."""
    before = [re.findall(r"[a-z]+", part)[-1:] for part in re.split(r"\d+", name)[:2]]
    first, second = ("".join(letters) for letters in before)
    return first in _HORIZONTAL and second in _VERTICAL


def _are_opaque(rows: NDArray[Any]) -> bool:
    """Return whether every fourth value, but not every value, is the alpha of an opaque pixel."""
    side = math.isqrt(rows.shape[1] // 4)
    if not len(rows) or side < 2 or 4 * side * side != rows.shape[1]:
        return False
    white = rows.max()
    return bool(white in (1, 255) and (rows[:, 3::4] == white).all() and (rows != white).any())


def _order_of_colours(rows: NDArray[Any], side: int) -> str:
    """Return "interleaved" or "three planes", whichever is smoother, or `_ASSUMED` if unclear."""
    some = rows[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE].astype(np.float32)
    planes = some.reshape(-1, 3, side, side)
    interleaved = some.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
    rough, other = _roughness(interleaved), _roughness(planes)
    if max(rough, other) <= _CLEAR * min(rough, other) and not np.array_equal(interleaved, planes):
        return _ASSUMED
    return "interleaved" if rough < other else "three planes"


def _roughness(images: NDArray[np.float32]) -> float:
    """Return the mean difference of adjacent values along all axes of one image."""
    return sum(
        float(np.abs(np.diff(images, axis=axis)).mean())
        for axis in (1, 2, 3)
        if images.shape[axis] > 1
    )
