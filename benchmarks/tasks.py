"""The training tasks: each network with its data set, batch size and optimizer."""

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
    """A network to train, the same for every competitor.

    Attributes:
        network: the name of the model.
        batch: the number of images in a batch.
        optimizer: the optimizer.
        data: the name of the data set.
        images: the number of images in a round, enough for some tenths of a second. Images
            repeat if the data set has fewer.
        noise: add noise to standardized images, so that no pixel is zero.
        file_order: use the order of the file and continue where the last round ended; otherwise
            shuffle in each round.
        initializer: the initializer of the weights; None: the model's own.
        tolerance: the largest relative difference between the training losses of competitors.
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
        """Its name in files and tables."""
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
    """A task with its images, labels and network.

    Attributes:
        task: the task.
        images: (M, C, H, W), uint8, or float32 with noise.
        labels: (M,) int64.
        net: the network with its initial weights; `Normalize` layers are fitted.
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
        """The images as a user of another framework prepares them once, (M, C, H, W) float32.

        They are standardized if the network starts with `Normalize`.
        """
        X = self.net.as_input(self.images)
        first = self.net.layers[0]
        if isinstance(first, Normalize):
            X, _ = first.forward(self.net.params["0"], X, Context())
        return X

    def order(self, number: int) -> Array:
        """Return the indices of the images of a round, in order, (images,) int64."""
        if self.task.file_order:
            start = number * self.task.images
            return np.arange(start, start + self.task.images) % len(self.labels)
        order = generator(0, "shuffle", number).permutation(self.task.images)
        return order % len(self.labels)

    def batches(self, order: Array) -> list[Array]:
        """Return the order split into batches; the last batch may be smaller."""
        size = self.task.batch
        return [order[at : at + size] for at in range(0, len(order), size)]


def with_noise(images: Array) -> Array:
    """Return the sum of standardized images and standard normal noise, rescaled, float32."""
    X = images.astype(np.float32)
    X -= X.mean()
    X /= X.std()
    X += np.random.default_rng(0).standard_normal(X.shape, np.float32)
    X /= np.float32(np.sqrt(2))
    return X


def flops_per_image(net: Network) -> int:
    """Return the floating-point operations of a training step for one image.

    A multiply-add counts as two. Each layer with weights has a forward pass, a weight gradient
    and an input gradient; the first layer has no input gradient.
    """
    work = [row.multiply_adds for row in net.summary().rows if row.multiply_adds]
    return 2 * (3 * sum(work) - work[0])
