"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from handgrad.class_names import Label
from handgrad.plots.arguments import as_counts
from handgrad.plots.labels import SMALL, class_names, text_size, text_style
from handgrad.plots.layout import HEADING_HEIGHT, axes_at, headed_figure

_MARGIN = 0.5  # inches, for an axis's own name and the space around it
_EDGE = 0.15  # inches, left free on the right


def confusion(matrix: ArrayLike, classes: Sequence[Label], rows: bool = False) -> Figure:
    """Draw a confusion matrix; an empty cell means zero.

    Args:
        matrix: the counts, (K, K); rows are true classes and columns are predicted classes.
        classes: the names of the K classes.
        rows: whether to show each count as a percentage of the sum of its row.

    Raises:
        DataError: if the matrix does not contain (K, K) counts.
    """
    counts = as_counts(matrix, len(classes))
    values = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if rows else counts
    numbers = [[f"{100 * v:.1f}" if rows else f"{v:,}" for v in row] for row in values]
    heading = f"{np.trace(counts):,} of {counts.sum():,} correct"
    if rows:
        heading += ", percentages of each row"

    size = SMALL if len(classes) <= 20 else SMALL - 2
    figure, axes = _table(heading, class_names(classes), _cell(numbers, size))
    norm = PowerNorm(0.5, vmin=0, vmax=float(values.max()) or 1.0)  # small counts stay visible
    axes.imshow(values, cmap="Blues", norm=norm, interpolation="none")
    for i, j in np.argwhere(values):
        ink = "white" if norm(values[i, j]) > 0.7 else "black"
        axes.text(j, i, numbers[i][j], ha="center", va="center", color=ink, **text_style(size))
    return figure


def _cell(numbers: Sequence[Sequence[str]], size: float) -> float:
    """Return the side length of a cell, in inches, such that the longest number fits."""
    longest = max((number for row in numbers for number in row), key=len)
    return max(0.3, text_size([longest], size)[0] + 0.12, 1.6 / len(numbers))


def _table(heading: str, names: Sequence[str], cell: float) -> tuple[Figure, Axes]:
    """Return a figure with axes for K x K cells and the class names on two sides."""
    name_width, _ = text_size(names, SMALL)
    upright = name_width > cell - 0.05
    side = len(names) * cell
    left, below = name_width + _MARGIN, (name_width if upright else 0.2) + _MARGIN
    figure = headed_figure(heading, left + side + _EDGE, below + side + HEADING_HEIGHT)

    spare = figure.get_figwidth() - (left + side + _EDGE)
    axes = axes_at(figure, left + spare / 2, below, side, side)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0, **text_style(SMALL))
    axes.set_yticks(range(len(names)), names, **text_style(SMALL))
    axes.tick_params(length=0)
    return figure, axes
