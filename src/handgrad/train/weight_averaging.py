"""The mean of the weights on the way, which is often better than where the way ends."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from handgrad.engines import BatchStream, Engine
from handgrad.layers import Array
from handgrad.network import Network

SETTLING = 50  # steps after which batch norm has forgotten the statistics of other weights
POINTS = 10  # how often an epoch's weights are added to the mean


class Average:
    """The mean of a network's arrays over about the last so many epochs.

    A plain mean at first; once it reaches that far back, older weights fade (Polyak, Juditsky
    1992, "Acceleration of stochastic approximation by averaging").

    Args:
        net: the network.
        epochs: over how many.

    Attributes:
        arrays: the mean by name.
        count: how many times weights were added to it.
    """

    def __init__(self, net: Network, epochs: float) -> None:
        self._net, self.arrays, self.count = net, net.snapshot(), 0
        self._most = max(1.0, epochs * POINTS)

    def add(self) -> None:
        """Add the network's arrays, as they are now."""
        self.count += 1
        share = 1 / min(self.count, self._most)
        for name, mean in self.arrays.items():
            mean += (self._net.arrays[name] - mean) * mean.dtype.type(share)

    def restore(self, arrays: Mapping[str, Array], count: int) -> None:
        """Go on from a mean of so many; from none, begin anew."""
        self.count = count
        for name, mean in self.arrays.items():
            mean[...] = arrays[name] if count else mean

    @contextmanager
    def given_to(self, engine: Engine, batches: BatchStream) -> Iterator[None]:
        """Let the network have its mean weights for a while; then all is as it was before.

        Batch norm finds the statistics of the mean weights in steps at a learning rate of 0.

        Args:
            engine: the network's.
            batches: those of the epoch.
        """
        arrays, memory, steps = (
            self._net.snapshot(),
            copy.deepcopy(engine.optimizer_state),
            engine.steps,
        )
        try:
            self._net.restore(self.arrays)
            if any("running_" in name for name in self._net.buffers):
                order = np.resize(batches.order, SETTLING * batches.size)  # as often as it takes
                engine.run(batches._replace(order=order, lrs=[0.0] * SETTLING))
            yield
        finally:
            self._net.restore(arrays)
            engine.steps = steps
            for name, kinds in memory.items():
                for kind, array in kinds.items():
                    engine.optimizer_state[name][kind][...] = array


def next_point(step: int, steps: int) -> int:
    """Return after which step of an epoch weights are added next, counted from 1."""
    every = -(-steps // POINTS)
    return min(steps, (step // every + 1) * every)
