"""A figure measured in inches: large enough for its heading, its axes where they are wanted."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.plots.labels import LARGE, inches, style

HEAD = 0.5  # inches, the height that a heading takes


def sheet(heading: str, width: float, height: float) -> Figure:
    """Return a figure with a heading on top; wider than `width` where the heading is."""
    width = max(width, inches([heading], LARGE)[0] + 0.4)
    figure = Figure((width, height))
    figure.suptitle(heading, y=1 - 0.12 / height, va="top", **style(LARGE))
    return figure


def axes_at(figure: Figure, left: float, below: float, width: float, height: float) -> Axes:
    """Return new axes of a size in inches, so far from the left and from below."""
    whole, high = figure.get_size_inches()
    return figure.add_axes((left / whole, below / high, width / whole, height / high))
