"""The step that removes dark edges, frames, boxes, grids and lines around a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.components import Component, Mask, components, of
from handgrad.preprocess.ink import otsu_threshold
from handgrad.preprocess.pixels import Pixels, check_size

_SIDE = 128  # cells on the longer side of the copy in which lines are looked for
_MIN_LINES = 2  # what has fewer long straight lines in a direction is no box and no ruled paper
_THICKEST = 6  # cells: a thicker part is a stroke of the drawing
_REACH = 3  # cells: ink that continues at this distance on both sides of a line crosses it


@dataclass(frozen=True)
class RemoveLines:
    """Removes dark edges, frames, boxes of a form, squared paper and lines from around a drawing.

    Lines are looked for in a copy with at most 128 cells on the longer side. A cell has ink if one
    of its pixels is lighter than half of Otsu's threshold, because lines are often fainter than the
    drawing. Ink is only removed if enough ink remains to be a character.

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
        ink = in_cells(X[:, :, 0] > otsu_threshold(X) // 2)
        kept = ink
        for find in (dark_edges, _frames, _straight_lines):
            rest = kept & ~find(kept)
            if _is_enough(rest, kept):
                kept = rest
        removed = ink & ~kept
        if not removed.any():
            return X
        rows, columns = (_cells(size, max(X.shape[:2])) for size in X.shape[:2])
        removed = _widened(removed) & ~kept  # the edges of a removed line are fainter than ink
        return np.where(removed[rows][:, columns][:, :, None], 0, X).astype(np.uint8)


def in_cells(ink: Mask) -> Mask:
    """Return whether any pixel of each cell has ink, in at most 128 cells on the longer side."""
    rows, columns = (_cells(size, max(ink.shape)) for size in ink.shape)
    return _any_per_cell(_any_per_cell(ink, rows).T, columns).T


def _cells(size: int, longest: int) -> NDArray[np.int64]:
    """Return the number of the cell of each row or column of pixels."""
    count = max(1, size * _SIDE // longest) if longest > _SIDE else size
    return np.arange(size) * count // size


def _any_per_cell(ink: Mask, cells: NDArray[np.int64]) -> Mask:
    """Return which cells have ink in any of their rows."""
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    return np.logical_or.reduceat(ink, starts, axis=0)


def _is_enough(rest: Mask, before: Mask) -> bool:
    """Return whether ink remains whose height is at least a sixth of the height before."""
    a, b = of(rest), of(before)
    return a is not None and b is not None and 6 * max(a.height, a.width) >= b.height


def _widened(cells: Mask) -> Mask:
    """Return the given cells and the cells next to them, also diagonally."""
    for _ in range(2):  # along columns, then along rows
        near = np.pad(cells, ((1, 1), (0, 0)))
        cells = (near[:-2] | near[1:-1] | near[2:]).T
    return cells


def dark_edges(ink: Mask) -> Mask:
    """Return the components along half of a side of the image, or in one of its corners."""
    found = np.zeros_like(ink)
    for part in components(ink):
        sides = (part.mask[0], part.mask[-1], part.mask[:, 0], part.mask[:, -1])
        has_corner = part.mask[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        if has_corner or any(2 * int(side.sum()) >= len(side) for side in sides):
            found |= part.mask
    return found


def _frames(ink: Mask) -> Mask:
    """Return frames with what is outside them, open boxes, and the lines of boxes and paper."""
    found = np.zeros_like(ink)
    for part in components(ink):
        if max(part.height, part.width) < max(ink.shape) // 8:
            continue
        sides = _sides(part, ink)
        if sides == 4:
            found |= part.mask | _outside(part, ink)
        elif sides == 3 and _is_open_box(part):
            found |= part.mask
        else:
            found |= _lines_in(part)
    return found


def _sides(part: Component, ink: Mask) -> int:
    """Return on how many sides of other ink a component lies.

    The other ink is in the interior of the component's bounding box. If it has less than a quarter
    of the height of the box, the result is 0.
    """
    inside = np.zeros_like(ink)
    box = np.s_[part.top + 1 : part.bottom - 1, part.left + 1 : part.right - 1]
    inside[box] = ink[box] & ~part.mask[box]
    rest = of(inside)
    if rest is None or 4 * rest.height < part.height:
        return 0
    row = part.mask[(rest.top + rest.bottom) // 2]
    column = part.mask[:, (rest.left + rest.right) // 2]
    lies = (row[: rest.left], row[rest.right :], column[: rest.top], column[rest.bottom :])
    return sum(bool(line.any()) for line in lies)


def _outside(part: Component, ink: Mask) -> Mask:
    """Return the ink outside the bounding box of a component."""
    outside = ink.copy()
    outside[part.top : part.bottom, part.left : part.right] = False
    return outside


def _is_open_box(part: Component) -> bool:
    """Return whether a component has at least three straight lines, in both directions."""
    across = _bands(_lines_across(part.mask, part.width)[0])
    down = _bands(_lines_across(part.mask.T, part.height)[0])
    return min(across, down) >= 1 and across + down > _MIN_LINES


def _lines_in(part: Component) -> Mask:
    """Return the long straight lines of a component, if it is a box or part of ruled paper.

    A box has two lines in each direction. Ruled paper has two lines across the whole image. Where
    other ink crosses a line, the ink remains.
    """
    across, crossed = _lines_across(part.mask, part.width)
    down, crossed_down = _lines_across(part.mask.T, part.height)
    is_ruled = [
        _bands(lines) >= _MIN_LINES and 20 * size >= 19 * lines.shape[1]
        for lines, size in ((across, part.width), (down, part.height))
    ]
    is_box = _bands(across) >= _MIN_LINES and _bands(down) >= _MIN_LINES
    lines = np.zeros_like(part.mask)
    if is_box or is_ruled[0]:
        lines |= across & ~crossed
    if is_box or is_ruled[1]:
        lines |= (down & ~crossed_down).T
    return lines | _slivers(part.mask & ~lines) if lines.any() else lines


def _lines_across(ink: Mask, width: int) -> tuple[Mask, Mask]:
    """Return the nearly horizontal lines of a component, and their cells that other ink crosses.

    Args:
        ink: the cells of the component.
        width: the width of its bounding box. A line is at least four fifths as long, or half as
            long if the component is as wide as the image.
    """
    is_wide = 20 * width >= 19 * ink.shape[1]
    lines = _long_runs(ink, max(1, width // 2 if is_wide else width * 4 // 5))
    lines &= ~_runs(ink.T, _THICKEST + 1).T
    rest = np.pad(ink & ~lines, ((_REACH, _REACH), (0, 0)))
    H = len(ink)
    above = np.logical_or.reduce([rest[k : k + H] for k in range(_REACH)])
    below = np.logical_or.reduce([rest[_REACH + 1 + k : _REACH + 1 + k + H] for k in range(_REACH)])
    return lines, lines & above & below


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
    return ink & _runs(near[:-2] | near[1:-1] | near[2:], length)


def _runs(ink: Mask, length: int) -> Mask:
    """Return the cells of horizontal runs of at least `length` cells."""
    if length > ink.shape[1]:
        return np.zeros_like(ink)
    sums = np.cumsum(np.pad(ink, ((0, 0), (1, 0))).astype(np.int64), axis=1)
    starts = sums[:, length:] - sums[:, :-length] == length
    runs = np.zeros((ink.shape[0], ink.shape[1] + 1), np.int64)
    runs[:, : starts.shape[1]] += starts
    runs[:, length : length + starts.shape[1]] -= starts
    found: Mask = np.cumsum(runs[:, :-1], axis=1) > 0
    return found


def _bands(lines: Mask) -> int:
    """Return the number of groups of neighbouring rows that have a cell in a line."""
    rows = lines.any(axis=1).astype(np.int8)
    return int((np.diff(rows, prepend=0) == 1).sum())


def _straight_lines(ink: Mask) -> Mask:
    """Return the components that are lines below, above or beside the remaining ink."""
    H = len(ink)
    parts = [part for part in components(ink) if _is_underline(part) or _is_margin(part, H)]
    lines = np.zeros_like(ink)
    for part in parts:
        lines |= part.mask
    found = np.zeros_like(ink)
    if (rest := of(ink & ~lines)) is not None:
        for part in parts:
            if _lies_outside(part, rest, H):
                found |= part.mask
    return found


def _is_underline(part: Component) -> bool:
    """Return whether a component is a nearly horizontal line."""
    return part.width >= 5 * part.height


def _is_margin(part: Component, height: int) -> bool:
    """Return whether a component is a nearly vertical line that is as high as the image."""
    return part.height >= 5 * part.width and 10 * part.height >= 9 * height


def _lies_outside(line: Component, rest: Component, height: int) -> bool:
    """Return whether a line does not belong to the remaining ink."""
    if not _is_underline(line):
        return 6 * rest.height >= height
    if 6 * rest.height < line.width:
        return False
    is_below = line.top >= rest.bottom and 5 * line.width >= 3 * rest.width
    return is_below or 4 * line.width >= 5 * rest.width
