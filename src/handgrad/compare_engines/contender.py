"""One side of a duel: an engine with a network of its own, and a watch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.compare_engines.result import Side
from handgrad.data import Dataset
from handgrad.engines import Engine, Inspectable, MakeEngine, Trace, TrainConfig, engine_named
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.train.evaluate import evaluate

# The rate of a step that is made to see its gradients: so large that the weights, which the step
# starts from, are lost in rounding, and a power of two, which adds none.
LAYS_OPEN = 2.0**16


class Fighter:
    """An engine with a copy of a network.

    Args:
        name: what the report calls it.
        net: the network; it is copied.
        config: how to train.
        make: the engine's name, or what makes it.

    Attributes:
        net: the copy.
    """

    def __init__(
        self, name: str, net: Network, config: TrainConfig, make: str | MakeEngine
    ) -> None:
        self.name, self.net, self.seconds = name, _copy(net), list[float]()
        self._engine: Engine = engine_named(make, self.net, config)
        self._probe = None
        if not isinstance(self._engine, Inspectable):
            self._probe = _Probe(net, config, make)

    @property
    def steps(self) -> int:
        """How many steps it has made."""
        return self._engine.steps

    def inspect(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        arrays: Mapping[str, Array] | None = None,
    ) -> Trace:
        """Return what the next step would compute, with other arrays if some are given.

        Of an engine that lays nothing open, it is the gradients of the parameters.
        """
        if self._probe is not None:
            return self._probe.inspect(X, y, arrays or self.net.arrays, self.steps)
        assert isinstance(self._engine, Inspectable)
        own = self.net.snapshot()
        if arrays is not None:
            self.net.restore(arrays)
        trace = self._engine.inspect(X, y, None)
        self.net.restore(own)
        return trace

    def step(self, X: NDArray[Any], y: NDArray[np.integer[Any]], lr: float) -> float:
        """Make a step, and return the loss before it."""
        began = time.perf_counter()
        loss, _ = self._engine.step(X, y, None, lr)
        self.seconds.append(time.perf_counter() - began)
        return loss

    def result(self, test: Dataset | None) -> Side:
        """Return how the engine did."""
        accuracy = None
        if test is not None:
            accuracy = evaluate(self.net, test, logits=self._engine.logits).accuracy
        return Side(self.name, statistics.median(self.seconds), accuracy)


class _Probe:
    """A second engine of the same make, whose updates are its gradients.

    Args:
        net: the network; it is copied.
        config: how to train; the optimizer is replaced.
        make: the engine's name, or what makes it.
    """

    def __init__(self, net: Network, config: TrainConfig, make: str | MakeEngine) -> None:
        self._net = _copy(net)
        plain = replace(config, optimizer=SGD(LAYS_OPEN), clip_norm=None)
        self._engine = engine_named(make, self._net, plain)

    def inspect(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        arrays: Mapping[str, Array],
        steps: int,
    ) -> Trace:
        """Return the gradients of the parameters: by how much a step moves them."""
        self._net.restore(arrays)
        self._engine.steps = steps
        self._engine.step(X, y, None, LAYS_OPEN)
        moved = self._net.parameters.items()
        return Trace({}, {}, {name: (arrays[name] - after) / LAYS_OPEN for name, after in moved})


def _copy(net: Network) -> Network:
    return Network(net.layers, net.shape, net.classes, dtype=net.dtype, arrays=net.arrays)
