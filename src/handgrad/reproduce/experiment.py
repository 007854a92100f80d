"""The variants of experiments, the context in which they run, and their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.engines import BatchStream, Engine, engine_named
from handgrad.layers import Array, Layer
from handgrad.network import Network
from handgrad.random import generator
from handgrad.train import Epoch, TrainConfig, evaluate, fit

TORCH_ENGINE = "torch:cpu"


def ignore_progress(share: float) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class RunContext:
    """Everything that a variant needs to run.

    Attributes:
        train: all training images.
        test: the test images.
        seed: the seed for the initial weights, the split and the order of the images.
        engine: the name of the engine.
        on_progress: called with the fraction of the work that is done, 0 to 1.
        checkpoint: the folder for the checkpoints of long training runs, or None for no
            checkpoints.
    """

    train: Dataset
    test: Dataset
    seed: int = 0
    engine: str = "auto"
    on_progress: Callable[[float], None] = ignore_progress
    checkpoint: Path | None = None

    def split(self, count: int) -> tuple[Dataset, Dataset]:
        """Return training and validation images; `count` random images are used for validation."""
        order = generator(self.seed, "split").permutation(len(self.train))
        validation = self.train.take(order[:count], f"{self.train.name} validation")
        return self.train.take(order[count:]), validation

    def network(self, layers: Iterable[Layer]) -> Network:
        """Return an untrained network for the images; its weights depend only on the seed."""
        return Network([*layers], self.train.shape, len(self.train.classes), seed=self.seed)


@dataclass(frozen=True)
class RunResult:
    """The result of running a variant.

    Attributes:
        metrics: the value of each metric, by name; accuracies are between 0 and 1.
        seconds: the duration of the training run.
        curves: the values of each curve after each epoch, by name.
        net: the trained network, or None if there is no network to show.
        machine: a description of the machine, or "" if it was not recorded.
    """

    metrics: dict[str, float]
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    net: Network | None = None
    machine: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the result in a form that JSON can represent, without the network."""
        names = "metrics", "seconds", "curves", "machine"
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> RunResult:
        """Return the result from which `to_dict` made `fields`.

        Raises:
            LookupError: if a field is missing. Fields of a wrong type raise TypeError, ValueError
                or AttributeError.
        """
        metrics = {str(name): float(value) for name, value in fields["metrics"].items()}
        curves = {str(name): [float(v) for v in line] for name, line in fields["curves"].items()}
        machine = str(fields.get("machine", ""))
        return cls(metrics, float(fields["seconds"]), curves, machine=machine)


class Variant(Protocol):
    """An experiment that can be run. Its `repr` contains everything that determines the result."""

    def run(self, context: RunContext) -> RunResult:
        """Run the variant and return its result."""
        ...


@dataclass(frozen=True)
class ReportedValue:
    """Values that a notebook reports, which are shown but not measured."""

    metrics: dict[str, float]

    def run(self, context: RunContext) -> RunResult:
        """Return the reported values."""
        return RunResult(self.metrics)


@dataclass(frozen=True)
class Training:
    """A network trained by `handgrad.fit`.

    Attributes:
        layers: the layers of the network.
        config: the hyperparameters. The context provides the seed, and also the engine if the
            engine in `config` is "auto".
        validation: the number of training images to use for validation.
        images: the number of images to use, taken from the start of the data, or None to use all
            images.
        track_test: whether to evaluate the test images after each epoch, as the notebook did.
    """

    layers: tuple[Layer, ...]
    config: TrainConfig
    validation: int = 0
    images: int | None = None
    track_test: bool = False

    def in_torch(self) -> Training:
        """Return a copy of this training run that uses the torch engine."""
        return replace(self, config=replace(self.config, engine=TORCH_ENGINE))

    def run(self, context: RunContext) -> RunResult:
        """Train the network."""
        context = with_first_images(context, self.images)
        train, validation = (
            context.split(self.validation) if self.validation else (context.train, None)
        )
        net = context.network(self.layers)
        engine = context.engine if self.config.engine == "auto" else self.config.engine
        config = replace(self.config, seed=context.seed, engine=engine)
        logits = engine_named(engine, net, TrainConfig(config.loss, config.optimizer)).logits
        test_accuracy: list[float] = []
        if self.track_test:
            net.fit_statistics(train.images)
            test_accuracy.append(evaluate(net, context.test, logits=logits).accuracy)

        def on_epoch(epoch: Epoch) -> None:
            if self.track_test:
                test_accuracy.append(evaluate(net, context.test, logits=logits).accuracy)
            context.on_progress(epoch.number / config.epochs)

        checkpoint = None if self.track_test else context.checkpoint
        history = fit(
            net,
            train,
            validation=validation,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            resume=checkpoint is not None,
            **vars(config),
        )
        metrics = evaluate_all(net, train, validation, context.test, logits)
        curves = history_curves(history)
        if self.track_test:
            metrics |= {
                "untrained test accuracy": test_accuracy[0],
                "test accuracy after one epoch": test_accuracy[1],
            }
            curves["test accuracy"] = test_accuracy[1:]
        return RunResult(metrics, sum(epoch.seconds for epoch in history), curves, net)


def with_first_images(context: RunContext, images: int | None) -> RunContext:
    """Return a context with only the first `images` training images, or with all if it is None."""
    if images is None:
        return context
    return replace(context, train=context.train.take(np.arange(images)))


def record(curves: dict[str, list[float]], name: str, value: float) -> None:
    """Append a number to the curve with the given name."""
    curves.setdefault(name, []).append(float(value))


def evaluate_all(
    net: Network,
    train: Dataset,
    validation: Dataset | None,
    test: Dataset,
    logits: Callable[[NDArray[Any]], Array],
) -> dict[str, float]:
    """Return the loss and accuracy of a network on training, validation and test images."""
    sets = {"training": train, "validation": validation, "test": test}
    metrics: dict[str, float] = {}
    for name, data in sets.items():
        if data is not None:
            found = evaluate(net, data, logits=logits)
            metrics |= {f"{name} loss": found.loss, f"{name} accuracy": found.accuracy}
    return metrics


def history_curves(history: Iterable[Epoch]) -> dict[str, list[float]]:
    """Return the curves of a training history."""
    curves: dict[str, list[float]] = {}
    for epoch in history:
        record(curves, "training loss", epoch.loss)
        record(curves, "training accuracy", epoch.accuracy)
        if epoch.validation_accuracy is not None:
            record(curves, "validation accuracy", epoch.validation_accuracy)
    return curves


class StepTrainer:
    """Trains on explicitly given batches, for experiments that `handgrad.fit` cannot run.

    Args:
        context: provides the engine.
        net: the network; its arrays are changed in place.
        config: the loss and the optimizer.

    Attributes:
        seconds: the time that the updates took.
    """

    def __init__(self, context: RunContext, net: Network, config: TrainConfig) -> None:
        self.net, self.seconds = net, 0.0
        self.engine: Engine = engine_named(context.engine, net, config)

    def run(
        self,
        data: Dataset,
        order: NDArray[np.int64],
        size: int,
        lrs: float | Sequence[float],
        labels: NDArray[np.int64] | None = None,
    ) -> Any:
        """Make one update per batch of `order`; return losses and numbers of correct predictions.

        Args:
            data: the images.
            order: the indices of the images, in the order in which they are used.
            size: the batch size.
            lrs: one learning rate for all batches, or one per batch.
            labels: labels to use instead of those in `data`.
        """
        count = -(-len(order) // size)
        each = [lrs] * count if isinstance(lrs, float) else [*lrs]
        y = data.labels if labels is None else labels
        start = time.perf_counter()
        steps = self.engine.run(BatchStream(data.images, y, None, order, size, each))
        self.seconds += time.perf_counter() - start
        return steps

    def logits(self, images: NDArray[Any]) -> Array:
        """Compute the logits (N, K) of images."""
        return self.engine.logits(images)
