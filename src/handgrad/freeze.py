"""Freezing: the first layers of a network keep their arrays during training.

Frozen layers run in inference mode: batch norm uses its running statistics, and dropout does
nothing. Their parameters and buffers do not change, and they have no gradients and no optimizer
state. The same happens in PyTorch after ``requires_grad_(False)`` and ``eval()``, and in Keras
after ``trainable = False``, except that Keras leaves dropout active.
"""

from __future__ import annotations

import numpy as np

from handgrad.errors import ConfigError
from handgrad.layers import Array, Dense
from handgrad.network import Network, layer_name

FEATURES = "features"


def check_freeze(freeze: object) -> None:
    """Raise a ConfigError unless a setting is a number of layers or "features"."""
    is_count = isinstance(freeze, int | np.integer) and freeze is not True and freeze >= 0
    if not is_count and freeze != FEATURES:
        raise ConfigError(f'freeze must be a number of layers, or "{FEATURES}", not {freeze!r}')


def frozen_layers(net: Network, freeze: int | str) -> int:
    """Return how many of a network's first layers are frozen.

    Args:
        net: the network.
        freeze: a number of layers; or "features" for all layers up to the last one with parameters
            before the last `Dense`.

    Raises:
        ConfigError: if no layer with parameters would be frozen, or none would be left to train.
    """
    trainable = sorted({int(name.split(".")[0]) for name in net.parameters})
    dense = [index for index in trainable if isinstance(net.layers[index], Dense)]
    if freeze == FEATURES:
        below = [index for index in trainable if index < max(dense, default=0)]
        if not below:
            raise ConfigError(
                'freeze="features" freezes the layers before the last Dense, but this network has '
                "none with parameters; remove freeze"
            )
        return below[-1] + 1
    count = int(freeze)
    if count and trainable and count <= trainable[0]:
        raise ConfigError(
            f"freeze={count} has no effect: the first layer with parameters is "
            f"{layer_name(net.layers, trainable[0])}; freeze at least {trainable[0] + 1} layers, "
            "or remove freeze"
        )
    if count and (not trainable or count > trainable[-1]):
        remedy = f"freeze at most {trainable[-1]} layers" if trainable else "remove freeze"
        raise ConfigError(f"freeze={count} leaves no layer with parameters to train; {remedy}")
    return count


def trainable_parameters(net: Network, frozen: int) -> dict[str, Array]:
    """Return the parameters, by name, of all layers except the first `frozen` ones."""
    return {name: W for name, W in net.parameters.items() if int(name.split(".")[0]) >= frozen}
