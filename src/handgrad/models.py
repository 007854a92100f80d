"""The built-in architectures. Each is a function that returns a list of layers.

The first five come from five published notebooks. Pass the list to `Network` or
`Classifier.for_data`; you may modify it first. The numbers of parameters below are for 28x28 grey
images of 10 classes.
"""

from __future__ import annotations

from collections.abc import Callable

from handgrad.errors import ConfigError, did_you_mean
from handgrad.init import GlorotUniform, HeNormal, Initializer
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
    Tanh,
)


def softmax_regression(initializer: Initializer = GlorotUniform()) -> list[Layer]:
    """A single linear layer.

    7,850 parameters.
    """
    return [Flatten(), Dense(initializer=initializer)]


def two_layer(initializer: Initializer = HeNormal()) -> list[Layer]:
    """One hidden layer of 30 units on standardized images.

    23,860 parameters.
    """
    return [Normalize(), Flatten(), Dense(30, initializer), ReLU(), Dense(initializer=initializer)]


def convnet(initializer: Initializer = HeNormal()) -> list[Layer]:
    """Two convolutional layers with two kinds of dropout.

    21,840 parameters.
    """
    return [
        Conv2d(10, 5, initializer=initializer),
        MaxPool2d(2),
        ReLU(),
        Conv2d(20, 5, initializer=initializer),
        Dropout2d(0.5),
        MaxPool2d(2),
        ReLU(),
        Flatten(),
        Dense(50, initializer),
        ReLU(),
        Dropout(0.5),
        Dense(initializer=initializer),
    ]


def fashion_mlp(initializer: Initializer = HeNormal()) -> list[Layer]:
    """Two hidden layers of 32 and 64 units with batch norm and leaky ReLU.

    28,074 parameters.
    """
    return [
        Flatten(),
        Dense(32, initializer),
        BatchNorm(),
        LeakyReLU(0.01),
        Dense(64, initializer),
        BatchNorm(),
        LeakyReLU(0.01),
        Dense(initializer=initializer),
    ]


def online_mlp(initializer: Initializer = HeNormal()) -> list[Layer]:
    """One hidden layer of 512 units.

    407,050 parameters.
    """
    return [Flatten(), Dense(512, initializer), ReLU(), Dense(initializer=initializer)]


def lenet5(initializer: Initializer = GlorotUniform()) -> list[Layer]:
    """LeNet-5, but with fully connected feature maps and a softmax output.

    61,706 parameters.

    Y. LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B.
    """
    return [
        Conv2d(6, 5, padding=2, initializer=initializer),
        Tanh(),
        AvgPool2d(2),
        Conv2d(16, 5, initializer=initializer),
        Tanh(),
        AvgPool2d(2),
        Flatten(),
        Dense(120, initializer),
        Tanh(),
        Dense(84, initializer),
        Tanh(),
        Dense(initializer=initializer),
    ]


def smallnet(initializer: Initializer = HeNormal()) -> list[Layer]:
    """A small modern network, recommended as the first choice.

    33,482 parameters. It accepts images of at least 4x4 pixels. It consists of 3x3 convolutions
    with batch norm, one residual block, and global average pooling instead of large linear layers.
    """
    return [
        Normalize(),
        Conv2d(16, 3, padding=1, initializer=initializer),
        BatchNorm(),
        ReLU(),
        MaxPool2d(2),
        Conv2d(32, 3, padding=1, initializer=initializer),
        BatchNorm(),
        ReLU(),
        Residual((Conv2d(32, 3, padding=1, initializer=initializer), BatchNorm(), ReLU())),
        MaxPool2d(2),
        Conv2d(64, 3, padding=1, initializer=initializer),
        BatchNorm(),
        ReLU(),
        GlobalAvgPool2d(),
        Dense(initializer=initializer),
    ]


def deep_convnet(initializer: Initializer = HeNormal()) -> list[Layer]:
    """Four convolutions with batch norm and a hidden linear layer, designed for digits.

    186,090 parameters, and 6.5 million multiply-adds per image. It accepts images of at least
    12x12 pixels.
    """
    return [
        Normalize(),
        *(Conv2d(24, 5, initializer=initializer), BatchNorm(), ReLU(), MaxPool2d(2)),
        *_block(48, initializer),
        *_block(48, initializer),
        MaxPool2d(2),
        *_block(96, initializer),
        MaxPool2d(2),
        Flatten(),
        *(Dense(128, initializer), BatchNorm(), ReLU(), Dropout(0.3)),
        Dense(initializer=initializer),
    ]


def resnet7(initializer: Initializer = HeNormal()) -> list[Layer]:
    """Seven layers with weights in two residual blocks, designed for Fashion-MNIST.

    256,074 parameters, and 5.7 million multiply-adds per image. Most parameters are in layers with
    3x3 feature maps, which are cheap to compute. It accepts images of at least 8x8 pixels.
    """
    return [
        Normalize(),
        *_block(16, initializer),
        MaxPool2d(2),
        *_block(32, initializer),
        Residual(_block(32, initializer)),
        MaxPool2d(2),
        *_block(64, initializer),
        MaxPool2d(2),
        *_block(128, initializer),
        Residual(_block(128, initializer)),
        GlobalAvgPool2d(),
        Dense(initializer=initializer),
    ]


def _block(channels: int, initializer: Initializer) -> tuple[Layer, ...]:
    """Return a 3x3 convolution that preserves the image size, with batch norm and ReLU."""
    conv = Conv2d(channels, 3, padding=1, initializer=initializer)
    return conv, BatchNorm(), ReLU()


MODELS: dict[str, Callable[..., list[Layer]]] = {
    "softmax-regression": softmax_regression,
    "two-layer": two_layer,
    "convnet": convnet,
    "fashion-mlp": fashion_mlp,
    "online-mlp": online_mlp,
    "lenet5": lenet5,
    "smallnet": smallnet,
    "deep-convnet": deep_convnet,
    "resnet7": resnet7,
}


def named(name: str) -> list[Layer]:
    """Return the layers of a built-in architecture.

    Raises:
        ConfigError: if there is no architecture with this name.
    """
    if name not in MODELS:
        raise ConfigError(
            f"there is no model {name!r}; choose one of {', '.join(MODELS)}"
            f"{did_you_mean(name, MODELS)}"
        )
    return MODELS[name]()
