"""Grids of images with titles; the figure is as large as the images require."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from handgrad.plots.labels import SMALL, text_size, text_style
from handgrad.plots.layout import HEADING_HEIGHT, axes_at, headed_figure

MAX_IMAGES = 100  # images in one figure
LINE_LENGTH = 20  # characters of a name in one line of a title

_SIDE = 1.1  # inches, the shorter side of one image
_GAP = 0.12  # inches, between two images
_PAD = 4 / 72  # inches, between an image and its title


class Tile(NamedTuple):
    """One image in a grid.

    Attributes:
        image: the image, (H, W), or (H, W, 3) if it is in colour.
        title: the title above the image.
        colour: the colour of the title and the frame, or None for black.
    """

    image: NDArray[Any]
    title: str
    colour: str | None = None


def grid(
    tiles: Sequence[Tile],
    heading: str,
    cmap: str | Colormap = "gray",
    limits: tuple[float, float] | None = None,
    right: float = 0.0,
) -> Figure:
    """Draw tiles of equal size in rows under a heading; without tiles, draw only the heading.

    Args:
        tiles: at most `MAX_IMAGES` tiles, all of the same size.
        heading: the heading; it should end with `truncation_note` if images are left out.
        cmap: the colour map for images of shape (H, W).
        limits: the values at both ends of the colour map. If None, they are 0 and 255 for uint8
            images, and 0 and 1 for all others.
        right: the space to leave free on the right, in inches.
    """
    if not tiles:
        return headed_figure(heading, 4, HEADING_HEIGHT)
    image = tiles[0].image
    low, high = limits or (0, 255 if image.dtype == np.uint8 else 1)
    H, W = image.shape[:2]
    width, height = _size(H, W)
    scale = min(width / W, height / H)  # a very long image keeps its shape
    text_width, text_height = text_size([tile.title for tile in tiles], SMALL)
    across, down = max(width, text_width) + _GAP, height + text_height + 1.5 * _GAP
    columns = _columns(len(tiles), down / across)
    rows = math.ceil(len(tiles) / columns)

    figure = headed_figure(heading, columns * across + _GAP + right, rows * down + HEADING_HEIGHT)
    start = (figure.get_figwidth() - right - columns * across) / 2
    axes = _whole(figure)
    for n, tile in enumerate(tiles):
        row, column = divmod(n, columns)
        left = start + column * across + (across - W * scale) / 2
        below = (rows - 1 - row) * down + _GAP + (height - H * scale) / 2
        place = (left, left + W * scale, below, below + H * scale)
        axes.imshow(
            tile.image,
            cmap=cmap,
            vmin=low,
            vmax=high,
            interpolation="none",
            extent=place,
            aspect="auto",
        )
        _frame(axes, tile, place)
    return figure


def truncation_note(count: int) -> str:
    """Return a note for the end of a heading, or "" if all of the `count` images are drawn."""
    return f", the first {MAX_IMAGES} shown" if count > MAX_IMAGES else ""


def _size(H: int, W: int) -> tuple[float, float]:
    """Return the width and height of an image in the figure; a very long image is made smaller."""
    width, height = (_SIDE * min(size / min(H, W), 4) for size in (W, H))
    return width, height


def _columns(count: int, height: float) -> int:
    """Return a number of columns for which the grid is not too tall and has few empty cells.

    Args:
        count: the number of cells.
        height: the height of a cell divided by its width.
    """
    least = math.ceil(math.sqrt(count * min(height, 1)))
    return min(range(least, 2 * least + 1), key=lambda columns: (-count % columns, columns))


def _whole(figure: Figure) -> Axes:
    """Return empty axes that cover the whole figure, because axes for each tile would be slow."""
    width, height = figure.get_size_inches()
    axes = axes_at(figure, 0, 0, width, height)
    axes.set(xlim=(0, width), ylim=(0, height), autoscale_on=False)
    axes.set_axis_off()
    return axes


def _frame(axes: Axes, tile: Tile, place: tuple[float, float, float, float]) -> None:
    """Draw the frame of a tile, and the title above it, in the tile's colour."""
    left, right, below, above = place
    colour, line = tile.colour or "black", 2 if tile.colour else 0.8
    frame = Rectangle(
        (left, below), right - left, above - below, fill=False, edgecolor=colour, linewidth=line
    )
    axes.add_patch(frame)
    if tile.title:
        middle = (left + right) / 2
        axes.text(
            middle,
            above + _PAD,
            tile.title,
            color=colour,
            ha="center",
            va="baseline",
            **text_style(SMALL),
        )
