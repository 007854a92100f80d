"""Accuracy against seconds, of several runs one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from handgrad.errors import DataError
from handgrad.plots.colours import BLUE, GREEN
from handgrad.plots.labels import SMALL, style


class Lap(NamedTuple):
    """One run.

    Attributes:
        seconds: when each epoch ended.
        accuracies: what it was worth, 0 to 1.
        chosen: whether this is the run whose network was taken.
    """

    seconds: Sequence[float]
    accuracies: Sequence[float]
    chosen: bool = False


def race(laps: Sequence[Lap], seconds: float | None = None) -> Figure:
    """Draw the accuracy of runs against seconds, and the highest so far.

    Args:
        laps: the runs, in the order in which they were made.
        seconds: where the axis ends; None: at the last of them.

    Raises:
        DataError: if there is nothing to draw.
    """
    points = [pair for lap in laps for pair in zip(lap.seconds, lap.accuracies, strict=True)]
    if not points:
        raise DataError("there are no runs to draw; train first")
    figure = Figure((6, 3.2), layout="constrained")
    axes = figure.subplots()
    labels = {True: "what was chosen", False: "other trials"}
    for lap in laps:
        colour, width = (BLUE, 1.8) if lap.chosen else ("0.6", 1.0)
        axes.plot(
            *(lap.seconds, lap.accuracies, ".-"),
            color=colour,
            linewidth=width,
            markersize=3 if len(lap.seconds) <= 20 else 0,
            label=labels.pop(lap.chosen, None),
        )
    highest = [max(a for _, a in points[: n + 1]) for n in range(len(points))]
    axes.step(
        *([s for s, _ in points], highest),
        where="post",
        color=GREEN,
        linestyle="--",
        linewidth=1.2,
        label="highest so far",
    )
    axes.set_ylim(max(0.0, 2 * highest[-1] - 1.1), None)
    axes.set_xlim(0, seconds)
    axes.set_xlabel("seconds", **style(SMALL))
    axes.set_ylabel("validation accuracy", **style(SMALL))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=SMALL, frameon=True)
    return figure
