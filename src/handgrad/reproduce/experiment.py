"""A piece of work: one part of an experiment with one seed, and what came of it."""

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

TWIN = "torch:cpu"


def nobody(share: float) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class Setting:
    """What a part is run with.

    Attributes:
        train: the training images, all of them.
        test: the test images.
        seed: decides initial weights, split and order.
        engine: what trains, by its name.
        on_share: called with the share of the work that is done, 0 to 1.
        checkpoint: a folder in which long training is kept while it goes on; None: nowhere.
    """

    train: Dataset
    test: Dataset
    seed: int = 0
    engine: str = "auto"
    on_share: Callable[[float], None] = nobody
    checkpoint: Path | None = None

    def split(self, count: int) -> tuple[Dataset, Dataset]:
        """Return training and validation images, `count` of them for validation, at random."""
        order = generator(self.seed, "split").permutation(len(self.train))
        validation = self.train.take(order[:count], f"{self.train.name} validation")
        return self.train.take(order[count:]), validation

    def network(self, layers: Iterable[Layer]) -> Network:
        """Return a fresh network for the images; the same seed gives the same weights."""
        return Network([*layers], self.train.shape, len(self.train.classes), seed=self.seed)


@dataclass(frozen=True)
class Outcome:
    """What came of a piece.

    Attributes:
        figures: numbers by their names; an accuracy is 0 to 1.
        seconds: how long the training took.
        curves: numbers after each epoch, by their names.
        net: the trained network, where there is something to see in it.
        machine: the machine that it was measured on, in words; "": that was not recorded.
    """

    figures: dict[str, float]
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    net: Network | None = None
    machine: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it, without the network."""
        names = "figures", "seconds", "curves", "machine"
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of_plain(cls, told: dict[str, Any]) -> Outcome:
        """Return what `plain` said.

        Raises:
            LookupError: if it did not; so do TypeError, ValueError and AttributeError.
        """
        figures = {str(name): float(value) for name, value in told["figures"].items()}
        curves = {str(name): [float(v) for v in line] for name, line in told["curves"].items()}
        return cls(figures, float(told["seconds"]), curves, machine=str(told.get("machine", "")))


class Part(Protocol):
    """Something to be run: a value, so that its `repr` says all that decides the outcome."""

    def run(self, setting: Setting) -> Outcome:
        """Run it, and return what came of it."""
        ...


@dataclass(frozen=True)
class Said:
    """What is said, and not measured."""

    figures: dict[str, float]

    def run(self, setting: Setting) -> Outcome:
        """Return it."""
        return Outcome(self.figures)


@dataclass(frozen=True)
class Fit:
    """A network trained by the one loop.

    Attributes:
        layers: the network.
        recipe: how it is trained. Its seed is the setting's, and so is its engine if it is "auto".
        validation: how many training images to set aside.
        images: how many training images there are before that, the first ones; None: all.
        watched: whether to look at the test images after each epoch, as the notebook did.
    """

    layers: tuple[Layer, ...]
    recipe: TrainConfig
    validation: int = 0
    images: int | None = None
    watched: bool = False

    def in_torch(self) -> Fit:
        """Return the same, trained by PyTorch."""
        return replace(self, recipe=replace(self.recipe, engine=TWIN))

    def run(self, setting: Setting) -> Outcome:
        """Train it."""
        setting = first(setting, self.images)
        train, validation = (
            setting.split(self.validation) if self.validation else (setting.train, None)
        )
        net = setting.network(self.layers)
        engine = setting.engine if self.recipe.engine == "auto" else self.recipe.engine
        recipe = replace(self.recipe, seed=setting.seed, engine=engine)
        judge = engine_named(engine, net, TrainConfig(recipe.loss, recipe.optimizer)).logits
        seen: list[float] = []
        if self.watched:
            net.fit_statistics(train.images)
            seen.append(evaluate(net, setting.test, logits=judge).accuracy)

        def on_epoch(epoch: Epoch) -> None:
            if self.watched:
                seen.append(evaluate(net, setting.test, logits=judge).accuracy)
            setting.on_share(epoch.number / recipe.epochs)

        kept = None if setting.checkpoint is None or self.watched else setting.checkpoint
        history = fit(
            net,
            train,
            validation=validation,
            on_epoch=on_epoch,
            checkpoint=kept,
            resume=kept is not None,
            **vars(recipe),
        )
        figures, curves = judged(net, train, validation, setting.test, judge), curves_of(history)
        if self.watched:
            figures |= {
                "untrained test accuracy": seen[0],
                "test accuracy after one epoch": seen[1],
            }
            curves["test accuracy"] = seen[1:]
        return Outcome(figures, sum(epoch.seconds for epoch in history), curves, net)


def first(setting: Setting, images: int | None) -> Setting:
    """Return a setting with the first training images alone."""
    if images is None:
        return setting
    return replace(setting, train=setting.train.take(np.arange(images)))


def note(curves: dict[str, list[float]], name: str, value: float) -> None:
    """Add a number to a curve."""
    curves.setdefault(name, []).append(float(value))


def judged(
    net: Network,
    train: Dataset,
    validation: Dataset | None,
    test: Dataset,
    logits: Callable[[NDArray[Any]], Array],
) -> dict[str, float]:
    """Return loss and accuracy of a network on all images there are."""
    sets = {"training": train, "validation": validation, "test": test}
    figures: dict[str, float] = {}
    for name, data in sets.items():
        if data is not None:
            found = evaluate(net, data, logits=logits)
            figures |= {f"{name} loss": found.loss, f"{name} accuracy": found.accuracy}
    return figures


def curves_of(history: Iterable[Epoch]) -> dict[str, list[float]]:
    """Return the curves that the records of a run hold."""
    curves: dict[str, list[float]] = {}
    for epoch in history:
        note(curves, "training loss", epoch.loss)
        note(curves, "training accuracy", epoch.accuracy)
        if epoch.validation_accuracy is not None:
            note(curves, "validation accuracy", epoch.validation_accuracy)
    return curves


class Steps:
    """Training step by step, for what the one loop would not do.

    Args:
        setting: the engine, and whom to tell how far it is.
        net: the network; its arrays are changed in place.
        config: how to train.

    Attributes:
        seconds: how long the steps took.
    """

    def __init__(self, setting: Setting, net: Network, config: TrainConfig) -> None:
        self.net, self.seconds = net, 0.0
        self.engine: Engine = engine_named(setting.engine, net, config)

    def run(
        self,
        data: Dataset,
        order: NDArray[np.int64],
        size: int,
        lrs: float | Sequence[float],
        labels: NDArray[np.int64] | None = None,
    ) -> Any:
        """Make an update for each batch of `order`, and return the losses and how many were right.

        Args:
            data: the images.
            order: which of them, in the order of their turn.
            size: how many make a batch.
            lrs: the learning rate, of all batches or of each.
            labels: other labels than the data's.
        """
        count = -(-len(order) // size)
        each = [lrs] * count if isinstance(lrs, float) else [*lrs]
        y = data.labels if labels is None else labels
        began = time.perf_counter()
        came = self.engine.run(BatchStream(data.images, y, None, order, size, each))
        self.seconds += time.perf_counter() - began
        return came

    def logits(self, images: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images."""
        return self.engine.logits(images)
