"""The named architectures. Each is a function that returns a list of layers.

The first five are those of five published notebooks. Give the list to `Network`, or take it as
the start of your own. Parameters are counted on 28x28 pictures of 10 classes.
"""

from __future__ import annotations

from collections.abc import Callable

from handgrad.errors import ConfigError
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    GlorotUniform,
    HeNormal,
    Initial,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Tanh,
)


def softmax_regression(initial: Initial = GlorotUniform()) -> list[Layer]:
    """One linear layer.

    7,850 parameters.
    """
    return [Flatten(), Dense(initial=initial)]


def two_layer(initial: Initial = HeNormal()) -> list[Layer]:
    """One hidden layer of 30 on standardized pictures.

    23,860 parameters.
    """
    return [Normalize(), Flatten(), Dense(30, initial), ReLU(), Dense(initial=initial)]


def convnet(initial: Initial = HeNormal()) -> list[Layer]:
    """Two convolutions with both kinds of dropout.

    21,840 parameters.
    """
    return [
        Conv2d(10, 5, initial=initial),
        MaxPool2d(2),
        ReLU(),
        Conv2d(20, 5, initial=initial),
        Dropout2d(0.5),
        MaxPool2d(2),
        ReLU(),
        Flatten(),
        Dense(50, initial),
        ReLU(),
        Dropout(0.5),
        Dense(initial=initial),
    ]


def fashion_mlp(initial: Initial = HeNormal()) -> list[Layer]:
    """Two hidden layers of 32 and 64 with batch norm and leaky ReLU.

    28,074 parameters.
    """
    return [
        Flatten(),
        Dense(32, initial),
        BatchNorm(),
        LeakyReLU(0.01),
        Dense(64, initial),
        BatchNorm(),
        LeakyReLU(0.01),
        Dense(initial=initial),
    ]


def online_mlp(initial: Initial = HeNormal()) -> list[Layer]:
    """One hidden layer of 512.

    407,050 parameters.
    """
    return [Flatten(), Dense(512, initial), ReLU(), Dense(initial=initial)]


def lenet5(initial: Initial = GlorotUniform()) -> list[Layer]:
    """LeNet-5 with full connections and a softmax.

    61,706 parameters.

    Y. LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B.
    """
    return [
        Conv2d(6, 5, padding=2, initial=initial),
        Tanh(),
        AvgPool2d(2),
        Conv2d(16, 5, initial=initial),
        Tanh(),
        AvgPool2d(2),
        Flatten(),
        Dense(120, initial),
        Tanh(),
        Dense(84, initial),
        Tanh(),
        Dense(initial=initial),
    ]


def smallnet(initial: Initial = HeNormal()) -> list[Layer]:
    """A small modern network, the one to begin with.

    33,482 parameters. It takes pictures of any size from 4x4. Convolutions of 3x3 with batch norm,
    one residual block, and the mean over the picture in place of large linear layers.
    """
    return [
        Normalize(),
        Conv2d(16, 3, padding=1, initial=initial),
        BatchNorm(),
        ReLU(),
        MaxPool2d(2),
        Conv2d(32, 3, padding=1, initial=initial),
        BatchNorm(),
        ReLU(),
        Residual((Conv2d(32, 3, padding=1, initial=initial), BatchNorm(), ReLU())),
        MaxPool2d(2),
        Conv2d(64, 3, padding=1, initial=initial),
        BatchNorm(),
        ReLU(),
        GlobalAvgPool2d(),
        Dense(initial=initial),
    ]


MODELS: dict[str, Callable[..., list[Layer]]] = {
    "softmax-regression": softmax_regression,
    "two-layer": two_layer,
    "convnet": convnet,
    "fashion-mlp": fashion_mlp,
    "online-mlp": online_mlp,
    "lenet5": lenet5,
    "smallnet": smallnet,
}


def named(name: str) -> list[Layer]:
    """Return the layers of a named architecture.

    Raises:
        ConfigError: where there is none of this name.
    """
    if name not in MODELS:
        raise ConfigError(f"there is no model {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]()
