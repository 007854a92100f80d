"""The step that removes what surrounds a drawing: dark edges, frames, boxes, grids and lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.components import Component, Mask, components, of
from handgrad.preprocess.ink import otsu_threshold
from handgrad.preprocess.pixels import Pixels, check_size

_SIDE = 128  # cells on the longer side of the copy in which lines are looked for
_MIN_LINES = 2  # in each direction: what has fewer long straight lines is no frame and no grid


@dataclass(frozen=True)
class RemoveLines:
    """Removes dark edges, frames, boxes of a form, squared paper and lines from around a drawing.

    Lines are looked for in a copy with at most 128 cells on the longer side. A cell has ink if one
    of its pixels is lighter than Otsu's threshold. Ink is only removed if enough ink remains to be
    a character.

    Attributes:
        min_side: images whose longer side is shorter than this are left unchanged.
    """

    title: ClassVar[str] = "lines removed"
    min_side: int

    def __post_init__(self) -> None:
        check_size(self, min_side=self.min_side)

    def __call__(self, X: Pixels) -> Pixels:
        if max(X.shape) < self.min_side:
            return X
        rows, columns = (_cells(size, max(X.shape[:2])) for size in X.shape[:2])
        ink = _any_per_cell(_any_per_cell(X[:, :, 0] > otsu_threshold(X), rows).T, columns).T
        kept = ink
        for find in (_edges, _frames, _straight_lines):
            rest = kept & ~find(kept)
            if _is_enough(rest, kept):
                kept = rest
        if kept is ink:
            return X
        removed = ink & ~kept
        return np.where(removed[rows][:, columns][:, :, None], 0, X).astype(np.uint8)


def _cells(size: int, longest: int) -> NDArray[np.int64]:
    """Return the number of the cell of each row or column of pixels."""
    count = max(1, size * _SIDE // longest) if longest > _SIDE else size
    return np.arange(size) * count // size


def _any_per_cell(ink: Mask, cells: NDArray[np.int64]) -> Mask:
    """Return whether any of the rows of each cell has ink."""
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    return np.logical_or.reduceat(ink, starts, axis=0)


def _is_enough(rest: Mask, before: Mask) -> bool:
    """Return whether ink remains whose height is at least a sixth of the height before."""
    a, b = of(rest), of(before)
    return a is not None and b is not None and 6 * max(a.height, a.width) >= b.height


def _edges(ink: Mask) -> Mask:
    """Return the components that lie along at least half of a side of the image."""
    found = np.zeros_like(ink)
    for part in components(ink):
        sides = (part.mask[0], part.mask[-1], part.mask[:, 0], part.mask[:, -1])
        if any(2 * int(side.sum()) >= len(side) for side in sides):
            found |= part.mask
    return found


def _frames(ink: Mask) -> Mask:
    """Return the lines of components that have long straight lines in both directions."""
    found = np.zeros_like(ink)
    for part in components(ink):
        if min(part.height, part.width) < max(ink.shape) // 8:
            continue
        across = _long_runs(part.mask, part.width * 4 // 5)
        down = _long_runs(part.mask.T, part.height * 4 // 5).T
        if _bands(across) >= _MIN_LINES and _bands(down.T) >= _MIN_LINES:
            lines = across | down
            found |= lines | _slivers(part.mask & ~lines)
    return found


def _slivers(rest: Mask) -> Mask:
    """Return the components that are at most two cells wide: the rough edges of lines."""
    found = np.zeros_like(rest)
    for part in components(rest):
        if min(part.height, part.width) <= 2:
            found |= part.mask
    return found


def _long_runs(ink: Mask, length: int) -> Mask:
    """Return the cells of nearly horizontal runs of at least `length` cells.

    A run may leave its row by one cell, so that a line may be slightly inclined.
    """
    near = np.pad(ink, ((1, 1), (0, 0)))
    near = near[:-2] | near[1:-1] | near[2:]
    sums = np.cumsum(np.pad(near, ((0, 0), (1, 0))).astype(np.int64), axis=1)
    starts = sums[:, length:] - sums[:, :-length] == length
    runs = np.zeros((ink.shape[0], ink.shape[1] + 1), np.int64)
    runs[:, : starts.shape[1]] += starts
    runs[:, length : length + starts.shape[1]] -= starts
    return ink & (np.cumsum(runs[:, :-1], axis=1) > 0)


def _bands(lines: Mask) -> int:
    """Return the number of groups of neighbouring rows that have a cell in a line."""
    rows = lines.any(axis=1).astype(np.int8)
    return int((np.diff(rows, prepend=0) == 1).sum())


def _straight_lines(ink: Mask) -> Mask:
    """Return the components that are lines below or beside the remaining ink."""
    found = np.zeros_like(ink)
    parts = components(ink)
    for part in parts:
        rest = of(ink & ~part.mask & ~found)
        if rest is not None and (_is_underline(part, rest) or _is_margin(part, rest, len(ink))):
            found |= part.mask
    return found


def _is_underline(part: Component, rest: Component) -> bool:
    """Return whether a component is a line that is longer than the rest, or below it."""
    if part.width < 5 * part.height or 6 * rest.height < part.width:
        return False
    is_below = part.top >= rest.bottom and 5 * part.width >= 3 * rest.width
    return is_below or 4 * part.width >= 5 * rest.width


def _is_margin(part: Component, rest: Component, height: int) -> bool:
    """Return whether a component is a vertical line as high as the image, beside other ink."""
    is_line = part.height >= 5 * part.width and 10 * part.height >= 9 * height
    return is_line and 6 * rest.height >= height
