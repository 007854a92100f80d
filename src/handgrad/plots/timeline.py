"""Accuracy over time for several trials that run one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from handgrad.errors import DataError
from handgrad.plots.colours import BLUE, GREEN
from handgrad.plots.labels import SMALL, text_style


class TrialCurve(NamedTuple):
    """The accuracy of one trial over time.

    Attributes:
        seconds: the time at which each epoch ended, in seconds.
        accuracies: the validation accuracy of each epoch, 0 to 1.
        chosen: whether this trial was chosen.
    """

    seconds: Sequence[float]
    accuracies: Sequence[float]
    chosen: bool = False


def trial_timeline(trials: Sequence[TrialCurve], seconds: float | None = None) -> Figure:
    """Draw the accuracy of the trials over time, and the highest accuracy so far.

    Args:
        trials: the trials, in the order in which they were run.
        seconds: the end of the time axis, or None to end it at the last epoch.

    Raises:
        DataError: if there are no epochs to draw.
    """
    points = [
        pair for trial in trials for pair in zip(trial.seconds, trial.accuracies, strict=True)
    ]
    if not points:
        raise DataError("there are no trials to draw; train first")
    figure = Figure((6, 3.2), layout="constrained")
    axes = figure.subplots()
    labels = {True: "chosen trial", False: "other trials"}
    for trial in trials:
        colour, width = (BLUE, 1.8) if trial.chosen else ("0.6", 1.0)
        axes.plot(
            *(trial.seconds, trial.accuracies, ".-"),
            color=colour,
            linewidth=width,
            markersize=3 if len(trial.seconds) <= 20 else 0,
            label=labels.pop(trial.chosen, None),
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
    axes.set_xlabel("seconds", **text_style(SMALL))
    axes.set_ylabel("validation accuracy", **text_style(SMALL))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=SMALL, frameon=True)
    return figure
