"""Reliability diagrams: accuracy plotted against confidence."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from handgrad.calibration import Reliability
from handgrad.plots.colours import BLUE, ORANGE
from handgrad.plots.labels import SMALL, text_style


def reliability(found: Reliability, before: Reliability | None = None) -> Figure:
    """Draw a reliability diagram: the accuracy of predictions against their probability.

    On the diagonal, the probabilities are well calibrated; below the diagonal, they are
    overconfident. The area of a dot increases with the number of predictions.

    Args:
        found: the reliability to draw.
        before: the reliability before calibration, drawn for comparison, or None to omit it.
    """
    figure = Figure((4.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot((0, 1), (0, 1), color="0.6", linestyle=":", label="perfectly calibrated")
    for which, colour, label in ((before, ORANGE, "before"), (found, BLUE, "calibrated")):
        if which is None:
            continue
        some = which.counts > 0
        share = which.counts[some] / which.counts.sum()
        x, y = which.confidence[some], which.accuracy[some]
        axes.plot(x, y, "-", color=colour, linewidth=1, alpha=0.6)
        axes.scatter(
            *(x, y, 12 + 400 * share),
            color=colour,
            alpha=0.8,
            label=label if before is not None else "predictions",
        )
    axes.set(xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal")
    axes.set_xlabel("predicted probability", **text_style(SMALL))
    axes.set_ylabel("accuracy", **text_style(SMALL))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
        axis.set_ticks(np.arange(0, 1.1, 0.25))
    axes.grid(alpha=0.3)
    legend = axes.legend(loc="upper left", fontsize=SMALL)
    for handle in legend.legend_handles:
        if handle is not None and hasattr(handle, "set_sizes"):
            handle.set_sizes([40])
    return figure
