"""An engine in a comparison, with its own copy of the network and a timer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.engine_comparison.result import EngineSummary
from handgrad.engines import Engine, Inspectable, MakeEngine, Trace, TrainConfig, engine_named
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.train.evaluate import evaluate

# The learning rate of a step that reveals its gradients: so large that the initial weights vanish
# in rounding, and a power of two, which adds no rounding error.
PROBE_LR = 2.0**16


class EngineRun:
    """An engine that trains its own copy of a network.

    Args:
        name: the engine's name in reports.
        net: the network, which is copied.
        config: the loss, the optimizer and the seed.
        make: the engine's name, or a function that creates the engine.

    Attributes:
        net: the copy of the network.
        seconds: the duration of each step so far.
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
        """The number of steps done so far."""
        return self._engine.steps

    def inspect(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        arrays: Mapping[str, Array] | None = None,
    ) -> Trace:
        """Return the intermediate results of the next step, optionally computed with other arrays.

        If the engine cannot return intermediate results, only the gradients of the parameters are
        returned.
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
        """Do one step, and return the loss before the update."""
        began = time.perf_counter()
        loss, _ = self._engine.step(X, y, None, lr)
        self.seconds.append(time.perf_counter() - began)
        return loss

    def summary(self, test: Dataset | None) -> EngineSummary:
        """Return the speed of the engine, and the accuracy of its network on the test images."""
        accuracy = None
        if test is not None:
            accuracy = evaluate(self.net, test, logits=self._engine.logits).accuracy
        return EngineSummary(self.name, statistics.median(self.seconds), accuracy)


class _Probe:
    """A second engine of the same type, which computes gradients from a change of parameters.

    Args:
        net: the network, which is copied.
        config: the loss and the seed; the optimizer is replaced.
        make: the engine's name, or a function that creates the engine.
    """

    def __init__(self, net: Network, config: TrainConfig, make: str | MakeEngine) -> None:
        self._net = _copy(net)
        plain = replace(config, optimizer=SGD(PROBE_LR), clip_norm=None)
        self._engine = engine_named(make, self._net, plain)

    def inspect(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        arrays: Mapping[str, Array],
        steps: int,
    ) -> Trace:
        """Do a step, and compute the gradients of the parameters from their change."""
        self._net.restore(arrays)
        self._engine.steps = steps
        self._engine.step(X, y, None, PROBE_LR)
        moved = self._net.parameters.items()
        return Trace({}, {}, {name: (arrays[name] - after) / PROBE_LR for name, after in moved})


def _copy(net: Network) -> Network:
    return net.copy()
