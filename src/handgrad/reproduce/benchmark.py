"""The same training in turns: by the notebook's arithmetic, by ours, by frameworks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.layers import Array, Context, Layer, Normalize
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Optimizer
from handgrad.reproduce.arithmetic import KNOWN, Arithmetic
from handgrad.reproduce.experiment import TWIN, Outcome, Setting

NUMPY, OURS, PLAIN, TORCH, KERAS = (
    "the notebook's NumPy",
    "handgrad",
    "handgrad, as written",
    "PyTorch",
    "Keras",
)


class Contestant(NamedTuple):
    """Someone who trains.

    Attributes:
        train: makes one update for each batch of an order.
        logits: what the network says of images.
    """

    train: Callable[[NDArray[np.int64]], Any]
    logits: Callable[[NDArray[Any]], Array]


@dataclass(frozen=True)
class Race:
    """How long a training takes, by contestants that play in turns.

    The figures are microseconds an image, the median over the rounds, and the accuracy on the
    test images after them. The round before the first warms all of them up and counts for the
    accuracy alone.

    Attributes:
        layers: the network.
        optimizer: the rule that renews the parameters.
        size: how many images make a batch.
        images: how many images make a round.
        total: how many images the notebook's whole training takes.
        rounds: how many rounds are timed.
        with_keras: whether Keras takes part, where it is installed.
    """

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    size: int
    images: int
    total: int
    rounds: int = 3
    with_keras: bool = False

    def run(self, setting: Setting) -> Outcome:
        """Let them play."""
        players = {name: make(self, setting) for name, make in self._makers()}
        taken: dict[str, list[float]] = {name: [] for name in players}
        for number in range(self.rounds + 1):
            order = np.arange(number * self.images, (number + 1) * self.images)
            order %= len(setting.train)
            for name, player in players.items():
                began = time.perf_counter()
                player.train(order)
                taken[name].append((time.perf_counter() - began) / len(order))
            setting.on_share((number + 1) / (self.rounds + 1))
        figures = {f"{name}: microseconds": 1e6 * median(t[1:]) for name, t in taken.items()}
        y = setting.test.labels
        for name, player in players.items():
            right = player.logits(setting.test.images).argmax(axis=1) == y
            figures[f"{name}: accuracy"] = float(np.mean(right))
        return Outcome(figures | {"total": float(self.total)})

    def _makers(self) -> list[tuple[str, Callable[[Race, Setting], Contestant]]]:
        """Return how to make each contestant that can take part."""
        makers: list[tuple[str, Callable[[Race, Setting], Contestant]]] = []
        if all(isinstance(layer, KNOWN) for layer in self.layers):
            makers.append((NUMPY, _notebook))
        makers.append((OURS, lambda race, setting: _engine(race, setting, setting.engine)))
        if self.size == 1:
            makers.append((PLAIN, lambda race, setting: _engine(race, setting, "reference")))
        if find_spec("torch"):
            makers.append((TORCH, lambda race, setting: _engine(race, setting, TWIN)))
        if self.with_keras and find_spec("keras"):
            makers.append((KERAS, _keras))
        return makers


def _network(race: Race, setting: Setting) -> Network:
    net = setting.network(race.layers)
    net.fit_statistics(setting.train.images)
    return net


def _notebook(race: Race, setting: Setting) -> Contestant:
    """Return the notebook's arithmetic, its images prepared beforehand."""
    assert isinstance(race.optimizer, SGD)
    net = _network(race, setting)
    X = _inputs(net, setting.train.images)
    player = Arithmetic(net, X, setting.train.labels, race.optimizer.lr)

    def train(order: NDArray[np.int64]) -> float:
        return player.epoch(order[at : at + race.size] for at in range(0, len(order), race.size))

    return Contestant(train, lambda images: player.logits(_inputs(net, images)))


def _engine(race: Race, setting: Setting, name: str) -> Contestant:
    """Return one of the engines."""
    net = _network(race, setting)
    engine = engine_named(name, net, TrainConfig(SoftmaxCrossEntropy(), race.optimizer))
    images, labels = setting.train.images, setting.train.labels

    def train(order: NDArray[np.int64]) -> None:
        lrs = [race.optimizer.lr] * -(-len(order) // race.size)
        engine.run(BatchStream(images, labels, None, order, race.size, lrs))

    return Contestant(train, engine.logits)


def _keras(race: Race, setting: Setting) -> Contestant:
    """Return the network of linear layers with ReLU in Keras."""
    from handgrad.reproduce.in_keras import as_keras

    net = _network(race, setting)
    model = as_keras(net, race.optimizer.lr)
    X, y = _inputs(net, setting.train.images), setting.train.labels

    def train(order: NDArray[np.int64]) -> None:
        model.fit(X[order], y[order], batch_size=race.size, shuffle=False, verbose=0)

    def logits(images: NDArray[Any]) -> Array:
        return np.asarray(model.predict(_inputs(net, images), verbose=0))

    return Contestant(train, logits)


def _inputs(net: Network, images: NDArray[Any]) -> Array:
    """Return what reaches the first linear layer, (N, I) float32."""
    X = net.as_input(images)
    if isinstance(net.layers[0], Normalize):
        X, _ = net.layers[0].forward(net.params["0"], X, Context())
    return X.reshape(len(X), -1)
