"""Activations and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from handgrad.layers import Context, Layer
from handgrad.plots.colours import BLUE, ORANGE
from handgrad.plots.labels import SMALL

X_LIMIT = 4.0


def activations(layers: Sequence[Layer]) -> Figure:
    """Draw activation functions with their derivatives, as the layers compute them.

    Args:
        layers: activation layers without parameters.
    """
    X = np.linspace(-X_LIMIT, X_LIMIT, 400)[:, None]  # an even number, so that none lies on a kink
    columns = 2
    rows = -(-len(layers) // columns)
    figure = Figure((4.6, 1.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, layer in zip(grid.flat, layers, strict=False):
        Y, cache = layer.forward({}, X, Context())
        dX, _ = layer.backward({}, cache, np.ones_like(X))
        axes.plot(X[:, 0], Y[:, 0], "-", color=BLUE, label="Y")
        axes.plot(X[:, 0], dX[:, 0], "--", color=ORANGE, label="dY/dX")
        axes.set_title(type(layer).__name__, fontsize=SMALL)
        axes.tick_params(labelsize=SMALL - 1)
        axes.grid(alpha=0.3)
    for axes in list(grid.flat)[len(layers) :]:
        axes.set_axis_off()
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure
