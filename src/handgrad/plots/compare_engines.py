"""Differences between engines, after each training step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from handgrad.engine_comparison import KINDS, EngineComparison
from handgrad.errors import DataError
from handgrad.plots.colours import BLUE, GREEN, ORANGE, VERMILION

_STYLES = dict(
    zip(KINDS, ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (VERMILION, ":")), strict=True)
)


def differences(comparison: EngineComparison) -> Figure:
    """Draw the largest relative difference of each kind at every step, with one panel per engine.

    The scale is logarithmic. A difference of zero appears as a gap in the line.

    Raises:
        DataError: if the comparison contains no steps.
    """
    if not comparison.steps:
        raise DataError("the comparison has no steps to draw; run at least one step")
    count = len(comparison.differences)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(6.5 * count, 4.2), layout=layout)
    panels = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    for axes, (engine, records) in zip(panels, comparison.differences.items(), strict=True):
        _draw(axes, records, comparison.tolerance)
        axes.set(title=f"{engine} compared with {comparison.engines[0].engine}", xlabel="step")
        if comparison.divergence is not None and comparison.divergence.engine == engine:
            step, _, worst = comparison.divergence
            axes.plot(step, worst.value, "o", color="black", fillstyle="none", markersize=9)
            axes.set_xlabel(f"step\n(diverged at step {step}: {worst.tensor} of {worst.layer})")
    records = [record for of_one in comparison.differences.values() for record in of_one]
    values = [v for record in records for v in record.values() if 0 < v < math.inf]
    values.append(comparison.tolerance)
    panels[0].set(ylabel="largest relative difference", yscale="log")
    panels[0].set_ylim(min(values) / 5, max(values) * 5)
    lines = {line.get_label(): line for axes in panels for line in axes.lines}
    handles = {
        label: lines[label] for label in (*KINDS, _limit(comparison.tolerance)) if label in lines
    }
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw(axes: Axes, records: Sequence[Mapping[str, float]], tolerance: float) -> None:
    """Draw the differences between one engine and the first engine, and the tolerance."""
    for kind, (colour, style) in _STYLES.items():
        if kind in records[0]:
            heights = [record[kind] or math.nan for record in records]
            marker = "o" if len(records) <= 30 else ""
            axes.plot(heights, style, color=colour, marker=marker, markersize=4, label=kind)
    axes.axhline(tolerance, color="0.45", linewidth=1, label=_limit(tolerance))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(records) == 1:
        axes.set_xlim(-0.5, 0.5)
    axes.grid(alpha=0.3)


def _limit(tolerance: float) -> str:
    return f"tolerance {tolerance:g}"
