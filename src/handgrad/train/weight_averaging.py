"""Weight averaging: evaluate the mean of the weights over the last epochs."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from handgrad.engines import BatchStream, Engine
from handgrad.layers import Array
from handgrad.network import Network

BATCH_NORM_STEPS = 50  # steps after which running statistics have forgotten other weights
AVERAGES_PER_EPOCH = 10  # how often per epoch the weights are added to the average


class WeightAverage:
    """The average of a network's arrays over approximately the given number of epochs.

    The average starts as a plain mean. Once it covers `epochs` epochs, older weights decay
    exponentially. The method is from Polyak and Juditsky 1992, "Acceleration of stochastic
    approximation by averaging".

    Args:
        net: the network.
        epochs: the number of epochs over which to average.

    Attributes:
        arrays: the average of each array, by name.
        count: how many times the weights have been added to the average.
    """

    def __init__(self, net: Network, epochs: float) -> None:
        self._net, self.arrays, self.count = net, net.snapshot(), 0
        self._max_count = max(1.0, epochs * AVERAGES_PER_EPOCH)

    def add(self) -> None:
        """Add the network's current arrays to the average."""
        self.count += 1
        share = 1 / min(self.count, self._max_count)
        for name, mean in self.arrays.items():
            mean += (self._net.arrays[name] - mean) * mean.dtype.type(share)

    def restore(self, arrays: Mapping[str, Array], count: int) -> None:
        """Continue from an average of `count` sets of weights; if `count` is 0, start from zero."""
        self.count = count
        for name, mean in self.arrays.items():
            mean[...] = arrays[name] if count else mean

    @contextmanager
    def applied(self, engine: Engine, batches: BatchStream) -> Iterator[None]:
        """Use the averaged weights in the `with` block, and restore the current weights afterwards.

        The running statistics of batch norm are computed for the averaged weights by steps with a
        learning rate of 0.

        Args:
            engine: the engine that trains the network.
            batches: the batches of the current epoch.
        """
        arrays, steps = self._net.snapshot(), engine.steps
        optimizer_state = copy.deepcopy(engine.optimizer_state)
        try:
            self._net.restore(self.arrays)
            if any("running_" in name for name in self._net.buffers):
                order = np.resize(batches.order, BATCH_NORM_STEPS * batches.size)  # repeats it
                engine.run(batches._replace(order=order, lrs=[0.0] * BATCH_NORM_STEPS))
            yield
        finally:
            self._net.restore(arrays)
            engine.steps = steps
            for name, kinds in optimizer_state.items():
                for kind, array in kinds.items():
                    engine.optimizer_state[name][kind][...] = array


def next_average_step(step: int, steps: int) -> int:
    """Return the next step after which the weights are averaged, counted from 1 in the epoch."""
    every = -(-steps // AVERAGES_PER_EPOCH)
    return min(steps, (step // every + 1) * every)
