"""`deep-convnet` and `resnet7`: small modern networks, for comparison with the notebooks.

They show the accuracy on MNIST and Fashion-MNIST that a few minutes on two cores can reach.
"""

from __future__ import annotations

from dataclasses import replace

from handgrad.layers import Layer
from handgrad.models import deep_convnet, resnet7
from handgrad.optim import AdamW
from handgrad.reproduce.benchmark import SpeedBenchmark
from handgrad.reproduce.experiment import Training
from handgrad.reproduce.notebook import (
    BEST,
    VALIDATION_SET,
    Experiment,
    HyperparameterTrial,
    Notebook,
    Range,
)
from handgrad.schedules import OneCycle
from handgrad.train import TrainConfig

WIDE = "convnet with 32 and 64 channels and batch norm, trained as in the first row"
NARROW = "convnet with 20 and 40 channels and batch norm, weight decay 0.02, dropout 0.1"
FEW = 3_000  # images of the quick run
SHORTER = "resnet7 without its stage at 3x3, a second block at 7x7"
CONFIG = TrainConfig(
    batch_size=128, optimizer=AdamW(4e-3, weight_decay=0.05), schedule=OneCycle(), patience=None
)


def mnist(quick: bool = False) -> Notebook:
    """Return the description of the experiment with `deep_convnet` on MNIST.

    Args:
        quick: whether to use fewer epochs and images.
    """
    config = replace(CONFIG, epochs=30, optimizer=AdamW(6e-3, weight_decay=0.05), augment="light")
    near = (0.91, 1.0) if quick else (0.996, 1.0)
    return Notebook(
        name="deep-convnet",
        title="A small modern network for digits",
        data="mnist",
        about="One of handgrad's own networks, without a published notebook: four convolutions "
        "and two linear layers with batch normalisation, 186,090 parameters. The goal is 99.6 % "
        "in less than 10 minutes on two cores. Three other networks were less accurate: convnet "
        "with 32 and 64 channels and batch normalisation reached 99.56 % (30 epochs, one seed), "
        "convnet with 20 and 40 channels and batch normalisation reached 99.56 % (40 epochs, mean "
        "of two seeds), and resnet7 reached 99.54 % (15 epochs, one seed).",
        experiments=(_experiment(tuple(deep_convnet()), config, quick, near),),
        benchmark=_benchmark(tuple(deep_convnet()), config, quick),
        errata=(),
        trials=(
            HyperparameterTrial(
                "30 epochs, AdamW, learning rate up to 0.006, weight decay 0.05, "
                "light augmentation",
                0.9962,
                1,
                chosen=True,
                loss=0.0118,
            ),
            HyperparameterTrial(f"{WIDE}, 50 epochs", 0.9968, 1, loss=0.0127),
            HyperparameterTrial(f"{WIDE}, 30 epochs", 0.9968, 1, loss=0.0154),
            HyperparameterTrial(f"{NARROW}, 30 epochs", 0.9960, 1, loss=0.0147),
            HyperparameterTrial(
                "resnet7, 10 epochs, AdamW, learning rate up to 0.004, weight decay 0.05, "
                "light augmentation",
                0.9955,
                1,
                loss=0.0144,
            ),
            HyperparameterTrial(
                f"{SHORTER}, 8 epochs, light augmentation, weights averaged", 0.9943, 1, loss=0.0189
            ),
            HyperparameterTrial("smallnet, 8 epochs, light augmentation", 0.9922, 1, loss=0.0267),
        ),
        validated_on=f"{VALIDATION_SET}: the lowest loss among accuracies within one standard "
        "error of the highest",
    )


def fashion(quick: bool = False) -> Notebook:
    """Return the description of the experiment with `resnet7` on Fashion-MNIST.

    Args:
        quick: whether to use fewer epochs and images.
    """
    config = replace(CONFIG, epochs=20, augment="flip=true,shift=0.04")
    near = (0.7, 0.85) if quick else (0.935, 1.0)
    return Notebook(
        name="resnet7",
        title="A small modern network for fashion",
        data="fashion-mnist",
        about="One of handgrad's own networks, without a published notebook: 3x3 convolutions "
        "with batch normalisation, two residual blocks and global average pooling, 256,074 "
        "parameters, most of them in layers whose input has only 3x3 pixels, which makes these "
        "layers fast. It is trained on Fashion-MNIST with images that are mirrored and shifted by "
        "up to a pixel. The goal is 93.5 % in less than 10 minutes on two cores.",
        experiments=(_experiment(tuple(resnet7()), config, quick, near),),
        benchmark=_benchmark(tuple(resnet7()), config, quick),
        errata=(),
        trials=(
            HyperparameterTrial(
                "20 epochs, AdamW, learning rate up to 0.004, weight decay 0.05, mirrored, "
                "shifted by 1 pixel",
                0.9477,
                1,
                True,
            ),
            HyperparameterTrial("10 epochs, mirrored only", 0.9375, 1),
            HyperparameterTrial(f"{SHORTER}, 10 epochs, mirrored only", 0.9360, 1),
            HyperparameterTrial(f"{SHORTER}, 10 epochs, mirrored, shifted by 2 pixels", 0.9325, 1),
            HyperparameterTrial(
                "as in the previous row, with a learning rate up to 0.003 and 96 channels in the "
                "last two layers",
                0.9267,
                1,
            ),
        ),
        validated_on=VALIDATION_SET,
    )


def _experiment(
    layers: tuple[Layer, ...], config: TrainConfig, quick: bool, near: Range
) -> Experiment:
    best = Training(layers, config)
    if quick:
        best = Training(layers, replace(config, epochs=2, augment=None), images=FEW)
    return Experiment("handgrad", {BEST: best}, ranges={(BEST, "test accuracy"): near})


def _benchmark(layers: tuple[Layer, ...], config: TrainConfig, quick: bool) -> SpeedBenchmark:
    """Return the speed benchmark; an epoch has 60,000 images unless `quick` is set."""
    images, rounds = (640, 1) if quick else (3_200, 3)
    whole = config.epochs * 60_000
    return SpeedBenchmark(layers, config.optimizer, config.batch_size, images, whole, rounds)
