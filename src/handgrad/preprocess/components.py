"""The connected components of a binary image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]  # (H, W)


class Component(NamedTuple):
    """The bounding box of a component, and its pixels within the whole image.

    Attributes:
        top: the first row.
        bottom: the row after the last one.
        left: the first column.
        right: the column after the last one.
        mask: which pixels belong to the component, (H, W).
    """

    top: int
    bottom: int
    left: int
    right: int
    mask: Mask

    @property
    def height(self) -> int:
        """The height of the bounding box, in pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The width of the bounding box, in pixels."""
        return self.right - self.left


def components(ink: Mask) -> list[Component]:
    """Return the components of a binary image; pixels that share a corner are connected.

    Args:
        ink: the binary image, (H, W).
    """
    labels = _labels(ink)
    return [component for k in range(1, int(labels.max()) + 1) if (component := of(labels == k))]


def of(mask: Mask) -> Component | None:
    """Return a component with the given pixels, or None if there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    top, bottom, left, right = (int(line[k]) for line in (rows, columns) for k in (0, -1))
    return Component(top, bottom + 1, left, right + 1, mask)


def _labels(ink: Mask) -> NDArray[np.int64]:
    """Return the number of the component of each pixel, from 1, or 0 for the background, (H, W)."""
    parents = [0]  # of each run of ink pixels within a row, from 1

    def root(run: int) -> int:
        while parents[run] != run:
            run = parents[run]
        return run

    labels = np.zeros(ink.shape, np.int64)
    above: list[tuple[int, int, int]] = []
    for y, row in enumerate(np.diff(np.pad(ink, ((0, 0), (1, 1))).astype(np.int8), axis=1)):
        runs = []
        ends = (np.flatnonzero(row == change).tolist() for change in (1, -1))
        for start, stop in zip(*ends, strict=True):
            run = len(parents)
            parents.append(run)
            for first, end, other in above:
                if first <= stop and start <= end:  # they touch, at least at a corner
                    a, b = sorted((root(run), root(other)))
                    parents[b] = a
            labels[y, start:stop] = run
            runs.append((start, stop, run))
        above = runs
    _, numbers = np.unique([root(run) for run in range(len(parents))], return_inverse=True)
    return numbers[labels]
