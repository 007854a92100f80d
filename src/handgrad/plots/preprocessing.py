"""The steps of preprocessing, from the image file to the network's input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.plots.labels import SMALL, text_style
from handgrad.plots.layout import HEADING_HEIGHT, axes_at, headed_figure

MAX_IMAGES = 20  # images in one figure

_SIDE, _GAP, _LINE = 1.2, 0.15, 0.3  # inches
_TRANSPARENT = "#f2d4c2"  # the colour of transparent pixels


def preprocessing(ways: Sequence[Sequence[tuple[str, Array]]]) -> Figure:
    """Draw the preprocessing steps of at most 20 images, with one row per image.

    Steps that do not change any of the images are left out.

    Args:
        ways: for each image, the result of `Preprocessing.stages`: for each step, its title and the
            image after it, (H, W, C) uint8. The first image is the raw image, and the last image is
            the input of the network.

    Raises:
        DataError: if there are no images.
    """
    if not ways:
        raise DataError("there are no images; pass at least one")
    shown = _shown(ways[:MAX_IMAGES])
    columns, rows = len(shown), min(len(ways), MAX_IMAGES)
    across, down = _SIDE + _GAP, _SIDE + _LINE
    heading = "preprocessing, from the file to the network's input"
    more = f", the first {MAX_IMAGES} of {len(ways):,}" if len(ways) > MAX_IMAGES else ""
    figure = headed_figure(heading + more, columns * across + _GAP, rows * down + HEADING_HEIGHT)
    for row, way in enumerate(ways[:MAX_IMAGES]):
        for column, (title, X) in enumerate(way[n] for n in shown):
            left, below = _GAP + column * across, (rows - 1 - row) * down + _GAP / 2
            axes = axes_at(figure, left, below, _SIDE, _SIDE)
            axes.imshow(_image(X), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set(xticks=[], yticks=[], facecolor=_TRANSPARENT)
            H, W, _ = X.shape
            seen = "seen" if column == columns - 1 else title
            axes.set_title(f"{seen} {W}x{H}", pad=3, **text_style(SMALL - 2))
    return figure


def _shown(ways: Sequence[Sequence[tuple[str, Array]]]) -> list[int]:
    """Return the indices of the stages to draw: the raw image, changes, and the last stage."""
    last = len(ways[0]) - 1
    changed = [
        n
        for n in range(1, last)
        if not all(np.array_equal(way[n][1], way[n - 1][1]) for way in ways)
    ]
    return [0, *changed, last] if last else [0]


def _image(X: Array) -> Array:
    """Return an image in a shape that matplotlib can draw: (H, W), or (H, W, 3 or 4)."""
    if X.shape[2] == 1:
        return X[:, :, 0]
    return X[:, :, [0, 0, 0, 1]] if X.shape[2] == 2 else np.asarray(X)
