"""How each framework trains where the time to an accuracy counts: data, not code.

Whoever finds a better recipe for one of them writes it here; both are in the record. They were
compared on 10,000 of the training images: each is the quickest found that passes its mark with a
margin of about three standard deviations between seeds.
"""

from __future__ import annotations

from typing import TypedDict


class Recipe(TypedDict):
    """AdamW under a one-cycle schedule.

    Attributes:
        network: the architecture's name, one of `handgrad.models` or of the cold programs' own.
        epochs: how often the training images are gone through.
        batch: how many make an update.
        lr: the highest learning rate.
        warm_up: the share of the run in which the rate goes up.
        smoothing: the share of each label that is spread over all classes.
    """

    network: str
    epochs: int
    batch: int
    lr: float
    warm_up: float
    smoothing: float


class Mark(TypedDict):
    """An accuracy to be reached on the test set, and how each framework does it."""

    accuracy: float
    handgrad: Recipe
    pytorch: Recipe


def _recipe(
    network: str,
    epochs: int,
    batch: int,
    lr: float,
    warm_up: float = 0.3,
    smoothing: float = 0.0,
) -> Recipe:
    return Recipe(
        network=network,
        epochs=epochs,
        batch=batch,
        lr=lr,
        warm_up=warm_up,
        smoothing=smoothing,
    )


MARKS: dict[str, Mark] = {
    "dense": {
        "accuracy": 0.9721,
        "handgrad": _recipe("dense-64", 2, 128, 0.04, 0.2),
        "pytorch": _recipe("dense-128", 2, 384, 0.05, 0.2),
    },
    "convolutional": {
        "accuracy": 0.99,
        "handgrad": _recipe("conv-8-16", 2, 64, 0.03, 0.2, 0.1),
        "pytorch": _recipe("conv-8-16", 2, 192, 0.06, 0.2, 0.1),
    },
}

SHORT: dict[str, Recipe] = {
    "online-mlp": _recipe("online-mlp", 2, 128, 1e-3),
    "convnet": _recipe("convnet", 2, 100, 1e-3),
}


def in_words(recipe: Recipe) -> str:
    """Return a recipe in a few words."""
    words = (
        f"{recipe['network']}, {recipe['epochs']} epochs, batch {recipe['batch']}, "
        f"rate {recipe['lr']:g} after a warm-up of {recipe['warm_up']:.0%}"
    )
    return words + (f", labels smoothed by {recipe['smoothing']:g}" if recipe["smoothing"] else "")
