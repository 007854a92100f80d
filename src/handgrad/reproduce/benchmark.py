"""Measures the time of a training run in NumPy, handgrad, PyTorch and Keras."""

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
from handgrad.layers import Array, Context, Dense, Layer, Normalize, ReLU
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Optimizer
from handgrad.reproduce.experiment import TORCH_ENGINE, RunContext, RunResult
from handgrad.reproduce.numpy_baseline import SUPPORTED, NumpyBaseline

NUMPY, HANDGRAD, REFERENCE, TORCH, KERAS = (
    "notebook's NumPy",
    "handgrad",
    "handgrad, reference engine",
    "PyTorch",
    "Keras",
)


class Implementation(NamedTuple):
    """One implementation of the training run.

    Attributes:
        train: a function that makes one update per batch, with the images in the given order.
        logits: a function that computes the logits of images.
    """

    train: Callable[[NDArray[np.int64]], Any]
    logits: Callable[[NDArray[Any]], Array]


@dataclass(frozen=True)
class SpeedBenchmark:
    """Measures the speed of a training run in several implementations, which take turns.

    The metrics are the median time per image over the rounds, in microseconds, and the test
    accuracy after the last round. The first round is not timed; it warms up all implementations.

    Attributes:
        layers: the layers of the network.
        optimizer: the optimizer.
        size: the batch size.
        images: the number of images per round.
        total: the number of images that the notebook's whole training run processes.
        rounds: the number of timed rounds.
        with_keras: whether to include Keras if it is installed.
    """

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    size: int
    images: int
    total: int
    rounds: int = 3
    with_keras: bool = False

    def run(self, context: RunContext) -> RunResult:
        """Measure the speed of all implementations."""
        implementations = {name: make(self, context) for name, make in self._available()}
        times: dict[str, list[float]] = {name: [] for name in implementations}
        for number in range(self.rounds + 1):
            order = np.arange(number * self.images, (number + 1) * self.images)
            order %= len(context.train)
            for name, implementation in implementations.items():
                start = time.perf_counter()
                implementation.train(order)
                times[name].append((time.perf_counter() - start) / len(order))
            context.on_progress((number + 1) / (self.rounds + 1))
        metrics = {f"{name}: microseconds": 1e6 * median(t[1:]) for name, t in times.items()}
        y = context.test.labels
        for name, implementation in implementations.items():
            correct = implementation.logits(context.test.images).argmax(axis=1) == y
            metrics[f"{name}: accuracy"] = float(np.mean(correct))
        return RunResult(metrics | {"total": float(self.total)})

    def _available(self) -> list[tuple[str, MakeImplementation]]:
        """Return the implementations that support the network and are installed."""
        found: list[tuple[str, MakeImplementation]] = []
        if all(isinstance(layer, SUPPORTED) for layer in self.layers):
            found.append((NUMPY, _numpy))
        found.append((HANDGRAD, lambda bench, context: _engine(bench, context, context.engine)))
        if self.size == 1:
            found.append((REFERENCE, lambda bench, context: _engine(bench, context, "reference")))
        if find_spec("torch"):
            found.append((TORCH, lambda bench, context: _engine(bench, context, TORCH_ENGINE)))
        if self.with_keras and find_spec("keras"):
            found.append((KERAS, _keras))
        return found


MakeImplementation = Callable[[SpeedBenchmark, RunContext], Implementation]


def _network(bench: SpeedBenchmark, context: RunContext) -> Network:
    net = context.network(bench.layers)
    net.fit_statistics(context.train.images)
    return net


def _numpy(bench: SpeedBenchmark, context: RunContext) -> Implementation:
    """Return the notebook's NumPy code; the images are normalized before the timing starts."""
    assert isinstance(bench.optimizer, SGD)
    net = _network(bench, context)
    X = _inputs(net, context.train.images)
    baseline = NumpyBaseline(net, X, context.train.labels, bench.optimizer.lr)

    def train(order: NDArray[np.int64]) -> float:
        size = bench.size
        return baseline.epoch(order[at : at + size] for at in range(0, len(order), size))

    return Implementation(train, lambda images: baseline.logits(_inputs(net, images)))


def _engine(bench: SpeedBenchmark, context: RunContext, name: str) -> Implementation:
    """Return an implementation that uses one of handgrad's engines."""
    net = _network(bench, context)
    engine = engine_named(name, net, TrainConfig(SoftmaxCrossEntropy(), bench.optimizer))
    images, labels = context.train.images, context.train.labels

    def train(order: NDArray[np.int64]) -> None:
        lrs = [bench.optimizer.lr] * -(-len(order) // bench.size)
        engine.run(BatchStream(images, labels, None, order, bench.size, lrs))

    return Implementation(train, engine.logits)


def _keras(bench: SpeedBenchmark, context: RunContext) -> Implementation:
    """Return the network of Dense layers with ReLU, built in Keras."""
    net = _network(bench, context)
    model = _keras_model(net, bench.optimizer.lr)
    X, y = _inputs(net, context.train.images), context.train.labels

    def train(order: NDArray[np.int64]) -> None:
        model.fit(X[order], y[order], batch_size=bench.size, shuffle=False, verbose=0)

    def logits(images: NDArray[Any]) -> Array:
        return np.asarray(model.predict(_inputs(net, images), verbose=0))

    return Implementation(train, logits)


def _keras_model(net: Network, lr: float) -> Any:
    """Translate a network to a compiled Keras model with the same weights.

    The model takes rows (N, I) and returns logits (N, K).

    Args:
        net: the network; only its Dense and ReLU layers are translated.
        lr: the learning rate of gradient descent.
    """
    import keras

    model = keras.Sequential()
    for index, layer in enumerate(net.layers):
        if isinstance(layer, Dense):
            weight, bias = (net.parameters[f"{index}.{name}"] for name in ("weight", "bias"))
            dense = keras.layers.Dense(len(weight))
            dense.build((None, weight.shape[1]))
            dense.set_weights([weight.T, bias])
            model.add(dense)
        elif isinstance(layer, ReLU):
            model.add(keras.layers.ReLU())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(lr), loss)
    return model


def _inputs(net: Network, images: NDArray[Any]) -> Array:
    """Return the inputs of the first Dense layer, (N, I) float32."""
    X = net.as_input(images)
    if isinstance(net.layers[0], Normalize):
        X, _ = net.layers[0].forward(net.params["0"], X, Context())
    return X.reshape(len(X), -1)
