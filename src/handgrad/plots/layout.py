"""Figures and axes with sizes in inches."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.plots.labels import LARGE, text_size, text_style

HEADING_HEIGHT = 0.5  # inches


def headed_figure(heading: str, width: float, height: float) -> Figure:
    """Return a figure with a heading; it is wider than `width` if the heading needs more space.

    Args:
        heading: the text of the heading.
        width: the width in inches.
        height: the height in inches, including the heading.
    """
    width = max(width, text_size([heading], LARGE)[0] + 0.4)
    figure = Figure((width, height))
    figure.suptitle(heading, y=1 - 0.12 / height, va="top", **text_style(LARGE))
    return figure


def axes_at(figure: Figure, left: float, below: float, width: float, height: float) -> Axes:
    """Add axes, given their position from the left and the bottom and their size, in inches."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, below / down, width / across, height / down))
