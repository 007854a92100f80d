"""What is trained: each network with its data, its batch and its optimizer."""

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
    """One network to train, the same for every contestant.

    Attributes:
        network: the name of the architecture.
        batch: how many images make an update.
        optimizer: the rule that renews the parameters.
        data: the name of the data set.
        images: how many images make a round, enough for some tenths of a second; more than
            the set has: they come again.
        noise: standard noise on standardized images, so that no pixel is zero.
        file_order: the images as the file has them, a round going on where the last one ended;
            otherwise a new order in each round.
        initializer: how the weights are drawn; None: as the architecture does.
        tolerance: how far the training losses of two contestants may lie apart, as a share.
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
        """What files and tables call it."""
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
    )
}

ONLINE = Task(
    "online-mlp",
    1,
    SGD(0.01),
    images=5_000,
    file_order=True,
    initializer=Uniform(0.5),
    tolerance=0.1,  # these large weights make a rounding error grow
)


class Work:
    """A task with everything it needs, as one process holds it.

    Attributes:
        task: the task.
        images: (M, C, H, W): uint8, or float32 where there is noise.
        labels: (M,) int64.
        net: the network with its initial weights, its `Normalize` layers measured.
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
        """The images as a framework's user prepares them once, beforehand, (M, C, H, W) float32.

        Where the network begins by standardizing, they are standardized.
        """
        X = self.net.as_input(self.images)
        first = self.net.layers[0]
        if isinstance(first, Normalize):
            X, _ = first.forward(self.net.params["0"], X, Context())
        return X

    def order(self, number: int) -> Array:
        """Return which images round `number` takes, in their order, (images,) int64."""
        if self.task.file_order:
            start = number * self.task.images
            return np.arange(start, start + self.task.images) % len(self.labels)
        order = generator(0, "shuffle", number).permutation(self.task.images)
        return order % len(self.labels)

    def batches(self, order: Array) -> list[Array]:
        """Return the order cut into batches; the last may be smaller."""
        size = self.task.batch
        return [order[at : at + size] for at in range(0, len(order), size)]


def with_noise(images: Array) -> Array:
    """Return standardized images and standard noise in equal parts, float32."""
    X = images.astype(np.float32)
    X -= X.mean()
    X /= X.std()
    X += np.random.default_rng(0).standard_normal(X.shape, np.float32)
    X /= np.float32(np.sqrt(2))
    return X


def flops_per_image(net: Network) -> int:
    """Return the arithmetic of a training step for one image, a multiply-add counted as two.

    Each layer with weights works forward, for its weights and for its input; the first one is
    spared the last of these.
    """
    work = [row.multiply_adds for row in net.summary().rows if row.multiply_adds]
    return 2 * (3 * sum(work) - work[0])
