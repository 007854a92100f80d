"""Defines the training tasks, and compares two engines on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from handgrad.data import Dataset
from handgrad.engines import MakeEngine, TrainConfig, engine_named
from handgrad.errors import ConfigError
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import named
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from handgrad.train import evaluate, fit
from handgrad.train.keywords import TrainKeywords


@dataclass(frozen=True)
class Task:
    """A training task.

    Attributes:
        model: the architecture's name.
        data: the name of the data set.
        batch_size: the number of images per update.
        optimizer: the optimizer.
        epochs: the number of epochs.
        images: how many of the first training images to use, or None for all.
    """

    model: str
    data: str
    batch_size: int
    optimizer: Optimizer
    epochs: int = 2
    images: int | None = None


TASKS = {
    task.model: task
    for task in (
        Task("softmax-regression", "mnist", 128, SGD(0.1)),
        Task("two-layer", "mnist", 64, SGD(0.1)),
        Task("convnet", "mnist", 100, Adam(1e-3), epochs=1, images=10_000),
        Task("fashion-mlp", "fashion-mnist", 200, SGD(0.1)),
        Task("online-mlp", "mnist", 1, SGD(0.01), epochs=1, images=5_000),
    )
}


@dataclass(frozen=True)
class Comparison:
    """The test accuracies of two engines.

    Attributes:
        ours: the accuracies of the first engine, one per seed, 0 to 1.
        theirs: the accuracies of the other engine, in the same order.
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The standard deviation of our accuracies over the seeds."""
        return stdev(self.ours)

    @property
    def difference(self) -> float:
        """The absolute difference between the mean accuracies of the two engines."""
        return abs(mean(self.ours) - mean(self.theirs))

    @property
    def ok(self) -> bool:
        """Whether the means differ by at most one standard deviation of our accuracies."""
        return self.difference <= self.spread


def compare(
    task: Task,
    train: Dataset,
    test: Dataset,
    *,
    seeds: int = 5,
    engine: str | MakeEngine = "compiled",
    other: str | MakeEngine = "torch:cpu",
    on_run: Callable[[], None] | None = None,
) -> Comparison:
    """Train a network in both engines with each seed, and return the test accuracies.

    Args:
        task: the training task.
        train: the training images.
        test: the test images.
        seeds: the number of seeds; the seeds are 0, 1, 2 and so on.
        engine: the name of the engine that uses our gradients, or a function that creates it.
        other: the name of the engine to compare with, or a function that creates it.
        on_run: a function that is called after each training run.

    Raises:
        ConfigError: if there are fewer than two seeds.
        HandgradError: if `fit` raises a HandgradError.
    """
    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, not {seeds}")
    if task.images is not None:
        train = train.take(np.arange(task.images))

    def accuracy(seed: int, engine: str | MakeEngine) -> float:
        net = Network(named(task.model), train.shape, len(train.classes), seed=seed)
        config: TrainKeywords = {
            "epochs": task.epochs,
            "batch_size": task.batch_size,
            "optimizer": task.optimizer,
            "patience": None,
            "seed": seed,
            "engine": engine,
        }
        fit(net, train, validation=None, **config)
        judge = engine_named(engine, net, TrainConfig(SoftmaxCrossEntropy(), task.optimizer))
        reached = evaluate(net, test, logits=judge.logits).accuracy
        if on_run is not None:
            on_run()
        return reached

    ours, theirs = (tuple(accuracy(k, one) for k in range(seeds)) for one in (engine, other))
    return Comparison(ours, theirs)
