"""How each framework trains where the time to an accuracy counts: data, not code.

Whoever finds a better recipe for one of them writes it here; both are in the record.
"""

from __future__ import annotations

from typing import TypedDict


class Recipe(TypedDict):
    """AdamW under a one-cycle schedule.

    Attributes:
        network: the architecture's name.
        epochs: how often the training pictures are gone through.
        batch: how many make an update.
        lr: the highest learning rate.
    """

    network: str
    epochs: int
    batch: int
    lr: float


class Mark(TypedDict):
    """An accuracy to be reached on the test set, and how each framework does it."""

    accuracy: float
    handgrad: Recipe
    pytorch: Recipe


MARKS: dict[str, Mark] = {
    "dense": {
        "accuracy": 0.9721,
        "handgrad": {"network": "online-mlp", "epochs": 3, "batch": 128, "lr": 3e-3},
        "pytorch": {"network": "online-mlp", "epochs": 3, "batch": 128, "lr": 3e-3},
    },
    "convolutional": {
        "accuracy": 0.99,
        "handgrad": {"network": "convnet", "epochs": 10, "batch": 100, "lr": 5e-3},
        "pytorch": {"network": "convnet", "epochs": 10, "batch": 100, "lr": 5e-3},
    },
}

SHORT: dict[str, Recipe] = {
    "online-mlp": {"network": "online-mlp", "epochs": 2, "batch": 128, "lr": 1e-3},
    "convnet": {"network": "convnet", "epochs": 2, "batch": 100, "lr": 1e-3},
}
