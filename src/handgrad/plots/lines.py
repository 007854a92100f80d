"""A line chart that is narrow enough for the screen of a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from handgrad.errors import DataError
from handgrad.plots.colours import BLUE, GREEN, ORANGE, VERMILION
from handgrad.plots.labels import SMALL

LINE_STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (VERMILION, ":"), ("0.4", "-"))


def lines(
    values: Mapping[str, Sequence[float]],
    title: str,
    xlabel: str = "epoch",
    *,
    share: bool = False,
    log: bool = False,
    known: Sequence[str] = (),
) -> Figure:
    """Draw several lines; the first value of each line is at x = 1.

    Args:
        values: the values of each line, by name.
        title: the title of the chart.
        xlabel: the label of the x axis.
        share: whether the values are fractions, which are shown in percent.
        log: whether the scale is logarithmic.
        known: the names of all lines that may occur, so that each name has the same style in all
            figures.

    Raises:
        DataError: if there are no values.
    """
    if not any(len(line) for line in values.values()):
        raise DataError("there are no numbers to draw; pass at least one line")
    figure = Figure((4.6, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, line) in enumerate(values.items()):
        index = known.index(name) if name in known else number
        colour, style = LINE_STYLES[index % len(LINE_STYLES)]
        width = max(1.2, 3 - 0.6 * index)  # so that a line is visible below another
        marker = "o" if len(line) <= 20 else ""
        x = range(1, len(line) + 1)
        axes.plot(x, line, style, color=colour, lw=width, marker=marker, markersize=3, label=name)
    axes.set_title(title, fontsize=SMALL + 2)
    axes.set_xlabel(xlabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=SMALL)
    return figure
