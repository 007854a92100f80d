"""A small data set of dark and bright images that a network learns in a second."""

from __future__ import annotations

import numpy as np

import handgrad as hg


def blobs(count: int = 90, classes: int = 3, seed: int = 0, noise: float = 0.15) -> hg.Dataset:
    """Return images (count, 1, 3, 3) whose brightness determines their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    level = (labels / (classes - 1))[:, None, None, None]
    images = level + rng.normal(0, noise, (count, 1, 3, 3))
    return hg.Dataset.from_arrays(images, labels, name="blobs")


def small_net(data: hg.Dataset, seed: int = 0) -> hg.Network:
    """Return a network with one hidden layer for this data set."""
    layers = [hg.Flatten(), hg.Dense(8), hg.ReLU(), hg.Dense()]
    return hg.Network(layers, data.shape, len(data.classes), seed=seed)
