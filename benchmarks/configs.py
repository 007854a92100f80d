"""The configurations of the benchmarks of whole programs, as plain data.

For each target accuracy, both frameworks have their own configuration, which is saved in the
record. The candidates were compared on 10,000 of the training images. Each configuration is the
fastest that was found to reach the target reliably: its mean accuracy over several seeds exceeds
the target by about three standard deviations. If you find a better configuration for either
framework, put it here.
"""

from __future__ import annotations

from typing import TypedDict


class ProgramConfig(TypedDict):
    """A configuration of a program that trains with AdamW and a one-cycle schedule.

    Attributes:
        network: the name of a model in `handgrad.models`, or of a network in `benchmarks.cold`.
        epochs: the number of epochs.
        batch: the number of images per batch.
        lr: the highest learning rate.
        warm_up: the fraction of the training run during which the learning rate rises.
        smoothing: the fraction of each target that label smoothing spreads over all classes.
    """

    network: str
    epochs: int
    batch: int
    lr: float
    warm_up: float
    smoothing: float


class Target(TypedDict):
    """A target test accuracy, and the configuration with which each framework reaches it."""

    accuracy: float
    handgrad: ProgramConfig
    pytorch: ProgramConfig


def _config(
    network: str,
    epochs: int,
    batch: int,
    lr: float,
    warm_up: float = 0.3,
    smoothing: float = 0.0,
) -> ProgramConfig:
    return ProgramConfig(
        network=network,
        epochs=epochs,
        batch=batch,
        lr=lr,
        warm_up=warm_up,
        smoothing=smoothing,
    )


TARGETS: dict[str, Target] = {
    "dense": {
        "accuracy": 0.9721,
        "handgrad": _config("dense-64", 2, 128, 0.04, 0.2),
        "pytorch": _config("dense-128", 2, 384, 0.05, 0.2),
    },
    "convolutional": {
        "accuracy": 0.99,
        "handgrad": _config("conv-8-16", 2, 64, 0.03, 0.2, 0.1),
        "pytorch": _config("conv-8-16", 2, 192, 0.06, 0.2, 0.1),
    },
}

SHORT: dict[str, ProgramConfig] = {
    "online-mlp": _config("online-mlp", 2, 128, 1e-3),
    "convnet": _config("convnet", 2, 100, 1e-3),
}


def describe(config: ProgramConfig) -> str:
    """Return a one-line description of a configuration."""
    words = (
        f"{config['network']}, {config['epochs']} epochs, batch {config['batch']}, "
        f"learning rate {config['lr']:g}, warm-up {config['warm_up']:.0%}"
    )
    return words + (f", label smoothing {config['smoothing']:g}" if config["smoothing"] else "")
