"""A small data set that a network learns in a second: dark and bright images."""

from __future__ import annotations

import numpy as np

import handgrad as hg


def blobs(count: int = 90, classes: int = 3, seed: int = 0, noise: float = 0.15) -> hg.Dataset:
    """Images (count, 1, 3, 3) whose brightness tells their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    level = (labels / (classes - 1))[:, None, None, None]
    images = level + rng.normal(0, noise, (count, 1, 3, 3))
    return hg.Dataset.from_arrays(images, labels, name="blobs")


def small_net(data: hg.Dataset, seed: int = 0) -> hg.Network:
    """A network of one hidden layer for it."""
    layers = [hg.Flatten(), hg.Dense(8), hg.ReLU(), hg.Dense()]
    return hg.Network(layers, data.shape, len(data.classes), seed=seed)
