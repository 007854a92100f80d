"""What is trained, and what two engines made of it."""

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
    """How a network is trained.

    Attributes:
        model: the architecture's name.
        data: the name of the data set.
        batch_size: how many images make one update.
        optimizer: the rule that renews the parameters.
        epochs: how many times the images are gone through.
        images: how many are learned from, the first ones; None: all.
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
    """The test accuracies that two engines reached.

    Attributes:
        by_hand: one for each seed, 0 to 1.
        twin: likewise, in the same order.
    """

    by_hand: tuple[float, ...]
    twin: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The standard deviation over the seeds, by hand."""
        return stdev(self.by_hand)

    @property
    def apart(self) -> float:
        """How far the means lie apart."""
        return abs(mean(self.by_hand) - mean(self.twin))

    @property
    def ok(self) -> bool:
        """Whether that is within one standard deviation."""
        return self.apart <= self.spread


def compare(
    task: Task,
    train: Dataset,
    test: Dataset,
    *,
    seeds: int = 5,
    by_hand: str | MakeEngine = "compiled",
    twin: str | MakeEngine = "torch:cpu",
    on_run: Callable[[], None] | None = None,
) -> Comparison:
    """Train a network with each seed in both engines, and return what accuracies were reached.

    Args:
        task: what is trained, and how.
        train: the images to learn from.
        test: the images to judge by.
        seeds: how many, counted from 0.
        by_hand: the engine with our gradients, by its name, or what makes it.
        twin: the other one.
        on_run: called after each run.

    Raises:
        ConfigError: if there are fewer than two seeds, which have no spread.
        HandgradError: what `fit` raises.
    """
    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, not {seeds}")
    if task.images is not None:
        train = train.take(np.arange(task.images))

    def accuracy(seed: int, engine: str | MakeEngine) -> float:
        net = Network(named(task.model), train.shape, train.classes, seed=seed)
        recipe: TrainKeywords = {
            "epochs": task.epochs,
            "batch_size": task.batch_size,
            "optimizer": task.optimizer,
            "patience": None,
            "seed": seed,
            "engine": engine,
        }
        fit(net, train, validation=None, **recipe)
        judge = engine_named(engine, net, TrainConfig(SoftmaxCrossEntropy(), task.optimizer))
        reached = evaluate(net, test, logits=judge.logits).accuracy
        if on_run is not None:
            on_run()
        return reached

    ours, theirs = (tuple(accuracy(k, engine) for k in range(seeds)) for engine in (by_hand, twin))
    return Comparison(ours, theirs)
