"""The training tasks, each of which is a network with a data set, batch size and optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data import load_data
from handgrad.init import Initializer, Uniform
from handgrad.layers import Context, Normalize
from handgrad.models import MODELS
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from handgrad.random import generator

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A network to train, with settings that are the same for every competitor.

    Attributes:
        network: the name of the built-in network.
        batch: the number of images per batch.
        optimizer: the optimizer.
        data: the name of the data set.
        images: the number of images per round, chosen so that a round takes a few tenths of a
            second. Images are repeated if the data set has fewer.
        noise: whether to add noise to standardized images, so that no pixel is zero.
        file_order: True to use the images in the order of the file, beginning where the last round
            ended; False to shuffle them in each round.
        initializer: the initializer of the weights, or None for the network's default.
        tolerance: the largest allowed relative difference of a training loss from the median.
    """

    network: str
    batch: int
    optimizer: Optimizer
    data: str = "mnist"
    images: int = 60_000
    noise: bool = False
    file_order: bool = False
    initializer: Initializer | None = None
    tolerance: float = 0.03

    @property
    def label(self) -> str:
        """The task's name in file names and tables."""
        return f"{self.network}-noise" if self.noise else self.network


TRAINING = {
    task.network: task
    for task in (
        Task("softmax-regression", 128, SGD(0.1), images=600_000),
        Task("two-layer", 64, SGD(0.1), images=300_000),
        Task("fashion-mlp", 200, SGD(0.1), data="fashion-mnist", images=300_000),
        Task("online-mlp", 128, SGD(0.1), images=120_000),
        Task("convnet", 100, Adam(1e-3), images=12_000, tolerance=0.1),
        Task("lenet5", 64, Adam(1e-3), images=12_000),
        Task("smallnet", 64, Adam(1e-3), images=12_000),
        Task("resnet7", 128, Adam(1e-3), data="fashion-mnist", images=6_000),
        Task("deep-convnet", 128, Adam(1e-3), images=6_000, tolerance=0.1),
    )
}

# The networks that start with a dense layer.
DENSE = ("softmax-regression", "two-layer", "fashion-mlp", "online-mlp")

# The networks that docs/performance.md also measures on data without zeros.
WITH_NOISE = ("softmax-regression", "two-layer", "fashion-mlp", "online-mlp", "convnet")

ONLINE = Task(
    "online-mlp",
    1,
    SGD(0.01),
    images=5_000,
    file_order=True,
    initializer=Uniform(0.5),
    tolerance=0.1,  # with these large weights, rounding errors grow
)


class Workload:
    """A task together with its images, labels and network.

    Attributes:
        task: the task.
        images: the images, (M, C, H, W), as uint8, or as float32 if the task adds noise.
        labels: the labels, (M,), as int64.
        net: the network with its initial weights, after fitting its `Normalize` layers.
    """

    def __init__(self, task: Task) -> None:
        train, _ = load_data(task.data)
        count = len(train) if task.file_order else min(task.images, len(train))
        self.task = task
        self.images, self.labels = train[:count]
        if task.noise:
            self.images = with_noise(self.images)
        layers = MODELS[task.network](*([task.initializer] if task.initializer else []))
        self.net = Network(layers, train.shape, len(train.classes), seed=0)
        self.net.fit_statistics(self.images)

    @cached_property
    def inputs(self) -> Array:
        """The images (M, C, H, W) as float32, preprocessed once as in other frameworks.

        The images are standardized if the network starts with `Normalize`.
        """
        X = self.net.as_input(self.images)
        first = self.net.layers[0]
        if isinstance(first, Normalize):
            X, _ = first.forward(self.net.params["0"], X, Context())
        return X

    def order(self, number: int) -> Array:
        """Return the order of the images in a round, as int64 indices of shape (images,)."""
        if self.task.file_order:
            start = number * self.task.images
            return np.arange(start, start + self.task.images) % len(self.labels)
        order = generator(0, "shuffle", number).permutation(self.task.images)
        return order % len(self.labels)

    def batches(self, order: Array) -> list[Array]:
        """Split `order` into batches, of which the last one may be smaller."""
        size = self.task.batch
        return [order[at : at + size] for at in range(0, len(order), size)]


def with_noise(images: Array) -> Array:
    """Add standard normal noise to standardized images, and rescale the sum to variance 1."""
    X = images.astype(np.float32)
    X -= X.mean()
    X /= X.std()
    X += np.random.default_rng(0).standard_normal(X.shape, np.float32)
    X /= np.float32(np.sqrt(2))
    return X


def flops_per_image(net: Network) -> int:
    """Return the number of floating-point operations per image in a training step.

    A multiply-add counts as two operations. Each layer with weights has a forward pass, a weight
    gradient and an input gradient, except that the first layer needs no input gradient.
    """
    work = [row.multiply_adds for row in net.summary().rows if row.multiply_adds]
    return 2 * (3 * sum(work) - work[0])
