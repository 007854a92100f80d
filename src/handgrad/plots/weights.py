"""The weights of the first layer as images."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from handgrad.classifier import Classifier, network_of
from handgrad.errors import ModelError
from handgrad.features import first_weights
from handgrad.layers import Array, Dense
from handgrad.network import Network, layer_name
from handgrad.plots.labels import SMALL, class_names
from handgrad.plots.layout import axes_at
from handgrad.plots.tiles import LINE_LENGTH, MAX_IMAGES, Tile, grid, truncation_note


def first_layer_weights(model: Network | Classifier) -> Figure:
    """Draw the weights of the first Dense layer, or the kernels of the first convolution.

    Positive weights are red and negative ones blue, with the same scale for all units. The channels
    of a unit are drawn side by side. If there are more than 100 units, the first 100 are drawn.

    Raises:
        ModelError: if no dense or convolutional layer has an image as its input, or if a weight is
            not finite.
    """
    net = network_of(model)
    names = model.classes if isinstance(model, Classifier) else range(net.classes)
    index, weight = first_weights(net)
    layer, units = layer_name(net.layers, index), len(weight)
    if not np.isfinite(weight).all():
        raise ModelError(f"layer {layer} has infinite or NaN weights; train the network again")
    is_last = index == len(net.layers) - 1 and isinstance(net.layers[index], Dense)
    titles = class_names(tuple(names), LINE_LENGTH) if is_last else [""] * units
    images = _side_by_side(weight[:MAX_IMAGES])
    tiles = [Tile(image, title) for image, title in zip(images, titles[:MAX_IMAGES], strict=True)]

    limit = float(np.abs(weight).max()) or 1.0
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="0.5")
    heading = f"layer {layer}: weights of {units} units{truncation_note(units)}"
    figure = grid(tiles, heading, colours, limits=(-limit, limit), right=0.9)
    _add_scale(figure)
    return figure


def _side_by_side(weight: Array) -> Array:
    """Return weights (O, C, H, W) as images (O, H, C(W + 1) - 1), with NaN between the channels."""
    padded = np.pad(weight, [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=np.nan)
    return np.concatenate(padded.transpose(1, 0, 2, 3), axis=2)[..., :-1]


def _add_scale(figure: Figure) -> None:
    """Draw the colour scale in the space on the right."""
    width, height = figure.get_size_inches()
    bar = axes_at(figure, width - 0.75, 0.12 * height, 0.12, 0.76 * height - 0.2)
    figure.colorbar(figure.axes[0].images[0], cax=bar).ax.tick_params(labelsize=SMALL)
