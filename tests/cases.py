"""The one list of layers and networks that drives every contract.

A new layer is covered by all of them as soon as it stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.layers import (
    Array,
    AvgPool2d,
    BatchNorm,
    Chain,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    HeUniform,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
    Tree,
)
from handgrad.models import MODELS
from handgrad.network import Network

CLASSES = 5


@dataclass(frozen=True)
class Case:
    """Layers, and the shape of one example that they take.

    Attributes:
        name: what the tests call it.
        layers: one layer, or several one after another.
        shape: one example's, without the batch.
        batch: how many examples make a batch.
    """

    name: str
    layers: tuple[Layer, ...]
    shape: Shape
    batch: int = 5

    @property
    def chain(self) -> Chain:
        return Chain(self.layers)

    @property
    def output(self) -> Shape:
        return self.chain.init(self.shape, np.random.default_rng(0))[1]

    def params(self, seed: int = 0, dtype: Any = np.float64) -> Tree:
        """Return arrays for the chain, none at its starting value."""
        rng = np.random.default_rng((seed, 1))
        tree, _ = self.chain.init(self.shape, rng)
        return stirred(tree, rng, dtype)

    def examples(self, seed: int = 0, dtype: Any = np.float64, count: int | None = None) -> Array:
        """Return a batch of examples."""
        count = self.batch if count is None else count
        return np.random.default_rng((seed, 2)).normal(size=(count, *self.shape)).astype(dtype)

    def labels(self, seed: int = 0, count: int | None = None) -> Array:
        """Return the classes of a batch."""
        count = self.batch if count is None else count
        return np.random.default_rng((seed, 3)).integers(0, CLASSES, count)

    def network(self, seed: int = 0, dtype: Any = np.float32) -> Network:
        """Return the layers as a network, with a linear layer at the end unless they have one."""
        head = () if self.output == (CLASSES,) else (Flatten(), Dense())
        net = Network((*self.layers, *head), self.shape, CLASSES, seed=seed, dtype=dtype)
        stir(net.arrays, np.random.default_rng((seed, 1)))
        return net


def stirred(tree: Tree, rng: np.random.Generator, dtype: Any = np.float64) -> Tree:
    """Return a copy of the arrays with none at its starting value."""
    copy = {
        name: stirred(value, rng, dtype) if isinstance(value, dict) else value.astype(dtype)
        for name, value in tree.items()
    }
    stir({name: value for name, value in copy.items() if not isinstance(value, dict)}, rng)
    return copy


def stir(arrays: Mapping[str, Array], rng: np.random.Generator) -> None:
    """Move all arrays off their starting values, where a forgotten bias would go unseen."""
    for name, array in arrays.items():
        if name.endswith(("running_var", "std")):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        else:
            array += rng.normal(0.0, 0.3, array.shape).astype(array.dtype)


def _one(name: str, layer: Layer, shape: Shape, batch: int = 5) -> Case:
    return Case(name, (layer,), shape, batch)


PICTURE = (2, 6, 5)

LAYERS = (
    _one("dense", Dense(6), (4,)),
    _one("dense-one-output", Dense(1), (7,)),
    _one("conv-1x1", Conv2d(3, 1), PICTURE),
    _one("conv-3x3", Conv2d(4, 3), PICTURE),
    _one("conv-same", Conv2d(3, 3, padding=1), PICTURE),
    _one("conv-stride", Conv2d(3, 3, stride=2, padding=1), PICTURE),
    _one("conv-rectangular", Conv2d(3, (2, 3), stride=(1, 2), padding=(1, 2)), PICTURE),
    _one("conv-leftover", Conv2d(2, 3, stride=2), (3, 6, 8)),
    _one("conv-gaps", Conv2d(2, 1, stride=3), PICTURE),
    _one("conv-whole-picture", Conv2d(3, (6, 5)), PICTURE),
    _one("maxpool", MaxPool2d(2), (2, 6, 4)),
    _one("maxpool-leftover", MaxPool2d(2), (2, 7, 5)),
    _one("maxpool-overlapping-padded", MaxPool2d(3, stride=2, padding=1), PICTURE),
    _one("maxpool-rectangular", MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0)), PICTURE),
    _one("maxpool-gaps", MaxPool2d(2, stride=3), (2, 6, 7)),
    _one("avgpool", AvgPool2d(2), (2, 6, 4)),
    _one("avgpool-leftover", AvgPool2d(2), (2, 7, 5)),
    _one("avgpool-overlapping-padded", AvgPool2d(3, stride=2, padding=1), PICTURE),
    _one("avgpool-rectangular", AvgPool2d((2, 3), stride=(1, 2), padding=(1, 0)), PICTURE),
    _one("avgpool-gaps", AvgPool2d(2, stride=3), (2, 6, 7)),
    _one("globalavgpool", GlobalAvgPool2d(), PICTURE),
    _one("flatten", Flatten(), PICTURE),
    _one("flatten-flat", Flatten(), (4,)),
    _one("batchnorm-flat", BatchNorm(), (4,), batch=8),
    _one("batchnorm-picture", BatchNorm(), PICTURE),
    _one("batchnorm-settings", BatchNorm(eps=1e-2, momentum=0.3), PICTURE),
    _one("normalize-given", Normalize(mean=0.1307, std=0.3081), (1, 6, 5)),
    _one("normalize-measured", Normalize(), (3, 4, 5)),
    _one("normalize-flat", Normalize(), (6,)),
    _one("relu", ReLU(), PICTURE),
    _one("relu-flat", ReLU(), (7,)),
    _one("leakyrelu", LeakyReLU(), PICTURE),
    _one("leakyrelu-steep", LeakyReLU(0.3), (7,)),
    _one("sigmoid", Sigmoid(), PICTURE),
    _one("tanh", Tanh(), (7,)),
    _one("silu", SiLU(), PICTURE),
    _one("dropout", Dropout(0.5), (7,)),
    _one("dropout-picture", Dropout(0.2), PICTURE),
    _one("dropout-none", Dropout(0.0), (7,)),
    _one("dropout2d", Dropout2d(0.5), (6, 3, 2)),
    _one("residual", Residual((Conv2d(2, 3, padding=1), BatchNorm(), ReLU())), PICTURE),
    _one("residual-flat", Residual((Dense(6), Tanh(), Dense(6))), (6,)),
    _one(
        "residual-shortcut",
        Residual((Conv2d(3, 3, stride=2, padding=1), BatchNorm()), (Conv2d(3, 1, stride=2),)),
        PICTURE,
    ),
    _one("chain-nested", Chain((Conv2d(3, 3), Chain((SiLU(), MaxPool2d(2))))), PICTURE),
    _one("chain-empty", Chain(), (4,)),
)

NETWORKS = (
    Case("linear", (Flatten(), Dense(CLASSES)), PICTURE),
    Case("wide", (Flatten(), Dense(40, HeUniform()), ReLU(), Dense(CLASSES)), PICTURE),
    Case(
        "every-activation",
        (
            *(Flatten(), Dense(9), ReLU(), Dense(9), LeakyReLU(), Dense(9), Sigmoid()),
            *(Dense(9), Tanh(), Dense(9), SiLU(), Dense(CLASSES)),
        ),
        PICTURE,
    ),
    Case(
        "all-noise",
        (
            *(Conv2d(6, 3), Dropout2d(0.3), ReLU(), Dropout(0.2), Flatten()),
            *(Dense(8), Dropout(0.5), Dense(CLASSES)),
        ),
        PICTURE,
    ),
    Case(
        "all-pools",
        (
            *(Normalize(), Conv2d(4, 3, padding=1), BatchNorm(), Tanh(), MaxPool2d(3, 2, 1)),
            *(SiLU(), AvgPool2d(2), Sigmoid(), GlobalAvgPool2d(), Dense(CLASSES)),
        ),
        (3, 9, 8),
    ),
    Case(
        "resnet",
        (
            *(Conv2d(4, 3, padding=1), BatchNorm(), ReLU()),
            Residual((Conv2d(4, 3, padding=1), BatchNorm(), ReLU(), Dropout2d(0.3))),
            Residual(
                (Conv2d(6, 3, stride=2, padding=1), BatchNorm(), Residual((SiLU(),))),
                (Conv2d(6, 1, stride=2), BatchNorm()),
            ),
            *(ReLU(), GlobalAvgPool2d(), Dense(CLASSES)),
        ),
        (2, 7, 6),
    ),
    Case("flat-input", (BatchNorm(), Dense(8), ReLU(), Dense(CLASSES)), (6,), batch=8),
)

_SMALLEST = {"convnet": (1, 16, 16), "lenet5": (1, 12, 12), "smallnet": (1, 8, 8)}

NAMED = tuple(
    Case(
        name,
        (*make()[:-1], replace(make()[-1], units=CLASSES)),
        _SMALLEST.get(name, (1, 5, 6)),
    )
    for name, make in MODELS.items()
)

CASES = (*LAYERS, *NETWORKS, *NAMED)
