"""Loss and accuracy over the epochs."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from handgrad.errors import DataError
from handgrad.plots.colours import BLUE, ORANGE
from handgrad.train.history import History


def learning_curves(history: History) -> Figure:
    """Draw loss and accuracy over the epochs, and mark the best epoch.

    The loss has a logarithmic scale if its largest value is more than 30 times its smallest.

    Raises:
        DataError: if the history has no epochs.
    """
    if not len(history):
        raise DataError("the history has no epochs to draw; train first")
    figure = Figure(figsize=(9, 3.8), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    left, right = figure.subplots(1, 2)
    _draw(left, history, "loss")
    _draw(right, history, "accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    if _falls_far(history):
        left.set_yscale("log")
        left.yaxis.set_major_formatter("{x:g}")
        left.yaxis.set_minor_formatter(NullFormatter())
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw(axes: Axes, history: History, name: str) -> None:
    """Draw one metric over the epochs, for training and, if there are any, validation images."""
    marker = "o" if len(history) <= 30 else ""
    kinds = ("training", "-", BLUE, name), ("validation", "--", ORANGE, f"validation_{name}")
    for label, style, colour, field in kinds:
        points = [(e.number, getattr(e, field)) for e in history if getattr(e, field) is not None]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, style, color=colour, marker=marker, markersize=4, label=label)
    if history.best_epoch:
        label = f"best epoch: {history.best_epoch}"
        axes.axvline(history.best_epoch, color="0.45", linestyle=":", label=label)
    axes.set(title=name, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(history) == 1:
        axes.set_xlim(history[0].number - 0.5, history[0].number + 0.5)
    axes.grid(alpha=0.3)


def _falls_far(history: History) -> bool:
    """Return whether the loss needs a logarithmic scale, because it falls by a large factor."""
    losses = [x for e in history for x in (e.loss, e.monitored_loss) if math.isfinite(x)]
    return bool(losses) and 0 < 30 * min(losses) < max(losses)
