"""An image's way from its file to the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.plots.labels import SMALL, style
from handgrad.plots.sheet import HEAD, axes_at, sheet

MOST = 20  # images in one figure

_SIDE, _GAP, _LINE = 1.2, 0.15, 0.3  # inches
_SEEN_THROUGH = "#f2d4c2"  # what shows where an image is transparent


def preprocessing(ways: Sequence[Sequence[tuple[str, Array]]]) -> Figure:
    """Draw what becomes of images, a row for each; of more than 20 the first 20.

    Steps that changed none of them are left out.

    Args:
        ways: for each image titles and images (H, W, C) uint8, the first being the raw one and
            the last what the network sees: `Preprocessing.stages`.

    Raises:
        DataError: if there are no images.
    """
    if not ways:
        raise DataError("there are no images; give at least one")
    shown = _shown(ways[:MOST])
    columns, rows = len(shown), min(len(ways), MOST)
    across, down = _SIDE + _GAP, _SIDE + _LINE
    heading = "from the file to what the network sees"
    more = f", the first {MOST} of {len(ways):,}" if len(ways) > MOST else ""
    figure = sheet(heading + more, columns * across + _GAP, rows * down + HEAD)
    for row, way in enumerate(ways[:MOST]):
        for column, (title, X) in enumerate(way[n] for n in shown):
            left, below = _GAP + column * across, (rows - 1 - row) * down + _GAP / 2
            axes = axes_at(figure, left, below, _SIDE, _SIDE)
            axes.imshow(_image(X), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set(xticks=[], yticks=[], facecolor=_SEEN_THROUGH)
            H, W, _ = X.shape
            seen = "seen" if column == columns - 1 else title
            axes.set_title(f"{seen} {W}x{H}", pad=3, **style(SMALL - 2))
    return figure


def _shown(ways: Sequence[Sequence[tuple[str, Array]]]) -> list[int]:
    """Return the places of the raw image, of the steps that changed one, and of the last."""
    last = len(ways[0]) - 1
    changed = [
        n
        for n in range(1, last)
        if not all(np.array_equal(way[n][1], way[n - 1][1]) for way in ways)
    ]
    return [0, *changed, last] if last else [0]


def _image(X: Array) -> Array:
    """Return an image as matplotlib draws it: (H, W), or (H, W, 3 or 4)."""
    if X.shape[2] == 1:
        return X[:, :, 0]
    return X[:, :, [0, 0, 0, 1]] if X.shape[2] == 2 else np.asarray(X)
