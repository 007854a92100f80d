"""What `handgrad gradcheck` knows by name: every layer in its varieties, and the named models."""

from __future__ import annotations

from dataclasses import replace

from handgrad.gradcheck.loss_as_layer import OfLoss
from handgrad.gradcheck.target import SAMPLE, Subject
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
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network

IMAGE = (2, 6, 5)
NAMED_SHAPE, NAMED_CLASSES, NAMED_BATCH = (1, 28, 28), 10, 4

LAYERS = (
    Subject("dense", Dense(6), (4,)),
    Subject("dense-one-output", Dense(1), (7,)),
    Subject("conv-1x1", Conv2d(3, 1), IMAGE),
    Subject("conv-3x3", Conv2d(4, 3), IMAGE),
    Subject("conv-same", Conv2d(3, 3, padding=1), IMAGE),
    Subject("conv-stride", Conv2d(3, 3, stride=2, padding=1), IMAGE),
    Subject("conv-rectangular", Conv2d(3, (2, 3), stride=(1, 2), padding=(1, 2)), IMAGE),
    Subject("conv-leftover", Conv2d(2, 3, stride=2), (3, 6, 8)),
    Subject("conv-gaps", Conv2d(2, 1, stride=3), IMAGE),
    Subject("conv-whole-image", Conv2d(3, (6, 5)), IMAGE),
    Subject("maxpool", MaxPool2d(2), (2, 6, 4)),
    Subject("maxpool-leftover", MaxPool2d(2), (2, 7, 5)),
    Subject("maxpool-overlapping-padded", MaxPool2d(3, stride=2, padding=1), IMAGE),
    Subject("maxpool-rectangular", MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0)), IMAGE),
    Subject("maxpool-gaps", MaxPool2d(2, stride=3), (2, 6, 7)),
    Subject("avgpool", AvgPool2d(2), (2, 6, 4)),
    Subject("avgpool-leftover", AvgPool2d(2), (2, 7, 5)),
    Subject("avgpool-overlapping-padded", AvgPool2d(3, stride=2, padding=1), IMAGE),
    Subject("avgpool-rectangular", AvgPool2d((2, 3), stride=(1, 2), padding=(1, 0)), IMAGE),
    Subject("avgpool-gaps", AvgPool2d(2, stride=3), (2, 6, 7)),
    Subject("globalavgpool", GlobalAvgPool2d(), IMAGE),
    Subject("flatten", Flatten(), IMAGE),
    Subject("flatten-flat", Flatten(), (4,)),
    Subject("batchnorm-flat", BatchNorm(), (4,), batch=8),
    Subject("batchnorm-image", BatchNorm(), IMAGE),
    Subject("batchnorm-settings", BatchNorm(eps=1e-2, momentum=0.3), IMAGE),
    Subject("normalize-given", Normalize(mean=0.1307, std=0.3081), (1, 6, 5)),
    Subject("normalize-measured", Normalize(), (3, 4, 5)),
    Subject("normalize-flat", Normalize(), (6,)),
    Subject("relu", ReLU(), IMAGE),
    Subject("relu-flat", ReLU(), (7,)),
    Subject("leakyrelu", LeakyReLU(), IMAGE),
    Subject("leakyrelu-steep", LeakyReLU(0.3), (7,)),
    Subject("sigmoid", Sigmoid(), IMAGE),
    Subject("tanh", Tanh(), (7,)),
    Subject("silu", SiLU(), IMAGE),
    Subject("dropout", Dropout(0.5), (7,)),
    Subject("dropout-image", Dropout(0.2), IMAGE),
    Subject("dropout-none", Dropout(0.0), (7,)),
    Subject("dropout2d", Dropout2d(0.5), (6, 3, 2)),
    Subject("residual", Residual((Conv2d(2, 3, padding=1), BatchNorm(), ReLU())), IMAGE),
    Subject("residual-flat", Residual((Dense(6), Tanh(), Dense(6))), (6,)),
    Subject(
        "residual-shortcut",
        Residual((Conv2d(3, 3, stride=2, padding=1), BatchNorm()), (Conv2d(3, 1, stride=2),)),
        IMAGE,
    ),
    Subject("chain-nested", Sequential((Conv2d(3, 3), Sequential((SiLU(), MaxPool2d(2))))), IMAGE),
    Subject("chain-empty", Sequential(), (4,)),
    Subject("cross-entropy", OfLoss(SoftmaxCrossEntropy()), (5,)),
    Subject("cross-entropy-smoothed", OfLoss(SoftmaxCrossEntropy(0.1)), (5,)),
    Subject(
        "cross-entropy-weighted",
        OfLoss(SoftmaxCrossEntropy(0.1, (0.5, 1.0, 2.0, 0.2, 3.0)), weighted=True),
        (5,),
    ),
)


def of_layers(name: str, layers: tuple[Layer, ...], shape: tuple[int, ...]) -> Subject:
    """Return a network's layers as a subject; its large arrays are tried by samples."""
    return Subject(name, Sequential(layers), shape, NAMED_BATCH, elements=SAMPLE)


def of_network(name: str, net: Network) -> Subject:
    """Return a network as a subject, to be judged at its own arrays."""
    return replace(of_layers(name, net.layers, net.shape), arrays=net.params)


def _named(name: str) -> Subject:
    """Return a named model on 28x28 images of 10 classes.

    GlorotUniform, for a normal draw may come out otherwise in another NumPy.
    """
    layers = Network(MODELS[name](GlorotUniform()), NAMED_SHAPE, NAMED_CLASSES).layers
    return of_layers(name, layers, NAMED_SHAPE)


NAMED = {name: _named(name) for name in MODELS}


def known(name: str) -> list[Subject]:
    """Return what goes by a name: "all", a named model, a layer's kind, or one of its varieties.

    Returns:
        None at all if the name is not known.
    """
    if name in NAMED:
        return [NAMED[name]]
    every = [*LAYERS, *NAMED.values()]
    return [s for s in every if name in ("all", s.name, type(s.layer).__name__)]


def names() -> list[str]:
    """Return the names that `known` knows."""
    return list(dict.fromkeys(["all", *NAMED, *(type(s.layer).__name__ for s in LAYERS)]))
