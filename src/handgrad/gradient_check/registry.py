"""The targets that `handgrad gradcheck` knows by name: layers, losses and built-in models.

`CASES` is a table keyed by layer class. It contains a case for each setting that changes which code
runs. The tests run the same cases in all engines and exports.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handgrad.gradient_check.loss_as_layer import LossAsLayer
from handgrad.gradient_check.target import SAMPLE, Target
from handgrad.init import GlorotUniform
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network

IMAGE = (2, 6, 5)
NAMED_SHAPE, NAMED_CLASSES, NAMED_BATCH = (1, 28, 28), 10, 4

CASES: dict[type[Any], tuple[Target, ...]] = {
    Dense: (
        Target("dense", Dense(6), (4,)),
        Target("dense-one-output", Dense(1), (7,)),
    ),
    Conv2d: (
        Target("conv-1x1", Conv2d(3, 1), IMAGE),
        Target("conv-3x3", Conv2d(4, 3), IMAGE),
        Target("conv-same", Conv2d(3, 3, padding=1), IMAGE),
        Target("conv-stride", Conv2d(3, 3, stride=2, padding=1), IMAGE),
        Target("conv-rectangular", Conv2d(3, (2, 3), stride=(1, 2), padding=(1, 2)), IMAGE),
        Target("conv-leftover", Conv2d(2, 3, stride=2), (3, 6, 8)),
        Target("conv-gaps", Conv2d(2, 1, stride=3), IMAGE),
        Target("conv-whole-image", Conv2d(3, (6, 5)), IMAGE),
    ),
    MaxPool2d: (
        Target("maxpool", MaxPool2d(2), (2, 6, 4)),
        Target("maxpool-leftover", MaxPool2d(2), (2, 7, 5)),
        Target("maxpool-overlapping-padded", MaxPool2d(3, stride=2, padding=1), IMAGE),
        Target("maxpool-rectangular", MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0)), IMAGE),
        Target("maxpool-gaps", MaxPool2d(2, stride=3), (2, 6, 7)),
    ),
    AvgPool2d: (
        Target("avgpool", AvgPool2d(2), (2, 6, 4)),
        Target("avgpool-leftover", AvgPool2d(2), (2, 7, 5)),
        Target("avgpool-overlapping-padded", AvgPool2d(3, stride=2, padding=1), IMAGE),
        Target("avgpool-rectangular", AvgPool2d((2, 3), stride=(1, 2), padding=(1, 0)), IMAGE),
        Target("avgpool-gaps", AvgPool2d(2, stride=3), (2, 6, 7)),
    ),
    GlobalAvgPool2d: (Target("globalavgpool", GlobalAvgPool2d(), IMAGE),),
    Flatten: (
        Target("flatten", Flatten(), IMAGE),
        Target("flatten-flat", Flatten(), (4,)),
    ),
    BatchNorm: (
        Target("batchnorm-flat", BatchNorm(), (4,), batch=8),
        Target("batchnorm-image", BatchNorm(), IMAGE),
        Target("batchnorm-settings", BatchNorm(eps=1e-2, momentum=0.3), IMAGE),
    ),
    Normalize: (
        Target("normalize-given", Normalize(mean=0.1307, std=0.3081), (1, 6, 5)),
        Target("normalize-fitted", Normalize(), (3, 4, 5)),
        Target("normalize-flat", Normalize(), (6,)),
    ),
    ReLU: (
        Target("relu", ReLU(), IMAGE),
        Target("relu-flat", ReLU(), (7,)),
    ),
    LeakyReLU: (
        Target("leakyrelu", LeakyReLU(), IMAGE),
        Target("leakyrelu-steep", LeakyReLU(0.3), (7,)),
    ),
    Sigmoid: (Target("sigmoid", Sigmoid(), IMAGE),),
    Tanh: (Target("tanh", Tanh(), (7,)),),
    SiLU: (Target("silu", SiLU(), IMAGE),),
    Dropout: (
        Target("dropout", Dropout(0.5), (7,)),
        Target("dropout-image", Dropout(0.2), IMAGE),
        Target("dropout-none", Dropout(0.0), (7,)),
    ),
    Dropout2d: (Target("dropout2d", Dropout2d(0.5), (6, 3, 2)),),
    Residual: (
        Target("residual", Residual((Conv2d(2, 3, padding=1), BatchNorm(), ReLU())), IMAGE),
        Target("residual-flat", Residual((Dense(6), Tanh(), Dense(6))), (6,)),
        Target(
            "residual-shortcut",
            Residual((Conv2d(3, 3, stride=2, padding=1), BatchNorm()), (Conv2d(3, 1, stride=2),)),
            IMAGE,
        ),
    ),
    Sequential: (
        Target(
            "chain-nested", Sequential((Conv2d(3, 3), Sequential((SiLU(), MaxPool2d(2))))), IMAGE
        ),
        Target("chain-empty", Sequential(), (4,)),
    ),
}

LOSSES = (
    Target("cross-entropy", LossAsLayer(SoftmaxCrossEntropy()), (5,)),
    Target("cross-entropy-smoothed", LossAsLayer(SoftmaxCrossEntropy(0.1)), (5,)),
    Target(
        "cross-entropy-weighted",
        LossAsLayer(SoftmaxCrossEntropy(0.1, (0.5, 1.0, 2.0, 0.2, 3.0)), weighted=True),
        (5,),
    ),
)

LAYERS = (*(target for targets in CASES.values() for target in targets), *LOSSES)


def layers_target(
    name: str, layers: tuple[Layer, ...], shape: Shape, batch: int = NAMED_BATCH
) -> Target:
    """Return a network's layers as a target; of large arrays, only some elements are checked."""
    return Target(name, Sequential(layers), shape, batch, elements=SAMPLE)


def network_target(name: str, net: Network, batch: int = NAMED_BATCH) -> Target:
    """Return a target that checks a network with its current weights."""
    return replace(layers_target(name, net.layers, net.shape, batch), arrays=net.params)


def _named(name: str) -> Target:
    """Return the target of a built-in model for 28x28 images of 10 classes.

    The weights are drawn from a uniform distribution, because NumPy's normally distributed numbers
    may differ between versions.
    """
    layers = Network(MODELS[name](GlorotUniform()), NAMED_SHAPE, NAMED_CLASSES).layers
    return layers_target(name, layers, NAMED_SHAPE)


NAMED = {name: _named(name) for name in MODELS}


def find_targets(name: str) -> list[Target]:
    """Find targets by name: "all", a built-in model, a layer class, or one case of a class.

    Returns:
        The targets with this name, or an empty list if the name is unknown.
    """
    if name in NAMED:
        return [NAMED[name]]
    every = [*LAYERS, *NAMED.values()]
    return [t for t in every if name in ("all", t.name, type(t.layer).__name__)]


def target_names() -> list[str]:
    """Return the names of models and layer classes that `find_targets` knows."""
    return list(dict.fromkeys(["all", *NAMED, *(type(t.layer).__name__ for t in LAYERS)]))
