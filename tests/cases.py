"""The list of layers and networks that all contract tests run over.

The layers are those of `handgrad gradcheck`, so every new layer there is covered by all tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.gradient_check import registry as known
from handgrad.gradient_check.registry import IMAGE
from handgrad.init import HeUniform
from handgrad.layers import (
    Array,
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
    Params,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.models import MODELS
from handgrad.network import Network

CLASSES = 5


@dataclass(frozen=True)
class Case:
    """One or more layers, with the shape of one example.

    Attributes:
        name: the name of the case in the tests.
        layers: one layer or a sequence of layers.
        shape: the shape of one example, without the batch axis.
        batch: the number of examples per batch.
        step: the step of central differences. A deep network needs a small one: otherwise some of
            its thousands of ReLUs would cross their kink.
    """

    name: str
    layers: tuple[Layer, ...]
    shape: Shape
    batch: int = 5
    step: float = 1e-5

    @property
    def chain(self) -> Sequential:
        return Sequential(self.layers)

    @property
    def output(self) -> Shape:
        return self.chain.init(self.shape, np.random.default_rng(0))[1]

    def params(self, seed: int = 0, dtype: Any = np.float64) -> Params:
        """Return arrays for the layers, none of which has its initial value."""
        rng = np.random.default_rng((seed, 1))
        tree, _ = self.chain.init(self.shape, rng)
        return stirred(tree, rng, dtype)

    def examples(self, seed: int = 0, dtype: Any = np.float64, count: int | None = None) -> Array:
        """Return a batch of examples."""
        count = self.batch if count is None else count
        return np.random.default_rng((seed, 2)).normal(size=(count, *self.shape)).astype(dtype)

    def labels(self, seed: int = 0, count: int | None = None) -> Array:
        """Return the labels of a batch."""
        count = self.batch if count is None else count
        return np.random.default_rng((seed, 3)).integers(0, CLASSES, count)

    def network(self, seed: int = 0, dtype: Any = np.float32) -> Network:
        """Return the layers as a network, appending a dense layer if the output has other sizes."""
        head = () if self.output == (CLASSES,) else (Flatten(), Dense())
        net = Network((*self.layers, *head), self.shape, CLASSES, seed=seed, dtype=dtype)
        stir(net.arrays, np.random.default_rng((seed, 1)))
        return net


def stirred(tree: Params, rng: np.random.Generator, dtype: Any = np.float64) -> Params:
    """Return a copy of the arrays in which no array has its initial value."""
    copy = {
        name: stirred(value, rng, dtype) if isinstance(value, dict) else value.astype(dtype)
        for name, value in tree.items()
    }
    stir({name: value for name, value in copy.items() if not isinstance(value, dict)}, rng)
    return copy


def stir(arrays: Mapping[str, Array], rng: np.random.Generator) -> None:
    """Change all arrays from their initial values, which would hide a missing bias."""
    for name, array in arrays.items():
        if name.endswith(("running_var", "std")):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        else:
            array += rng.normal(0.0, 0.3, array.shape).astype(array.dtype)


LAYERS = tuple(
    Case(target.name, (target.layer,), target.shape, target.batch)
    for targets in known.CASES.values()
    for target in targets
)

NETWORKS = (
    Case("linear", (Flatten(), Dense(CLASSES)), IMAGE),
    Case("wide", (Flatten(), Dense(40, HeUniform()), ReLU(), Dense(CLASSES)), IMAGE),
    Case(
        "every-activation",
        (
            *(Flatten(), Dense(9), ReLU(), Dense(9), LeakyReLU(), Dense(9), Sigmoid()),
            *(Dense(9), Tanh(), Dense(9), SiLU(), Dense(CLASSES)),
        ),
        IMAGE,
    ),
    Case(
        "all-noise",
        (
            *(Conv2d(6, 3), Dropout2d(0.3), ReLU(), Dropout(0.2), Flatten()),
            *(Dense(8), Dropout(0.5), Dense(CLASSES)),
        ),
        IMAGE,
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

_SMALLEST = {
    "convnet": (1, 16, 16),
    "lenet5": (1, 12, 12),
    "smallnet": (1, 8, 8),
    "deep-convnet": (1, 12, 12),
    "resnet7": (1, 12, 12),
}

NAMED = tuple(
    Case(
        name,
        (*make()[:-1], replace(make()[-1], units=CLASSES)),
        _SMALLEST.get(name, (1, 5, 6)),
        step=1e-6 if name in ("deep-convnet", "resnet7") else 1e-5,
    )
    for name, make in MODELS.items()
)

CASES = (*LAYERS, *NETWORKS, *NAMED)
