"""The NumPy code of the published notebooks, from `handgrad.reproduce`.

The errors in this code are corrected, because all competitors must compute the same result.
"""

from __future__ import annotations

from benchmarks.tasks import Array, Workload
from handgrad.optim import SGD
from handgrad.reproduce.numpy_baseline import SUPPORTED, NumpyBaseline


class Notebook:
    """Trains networks of the layers that the notebooks implement in NumPy."""

    def __init__(self, work: Workload) -> None:
        known = all(isinstance(layer, SUPPORTED) for layer in work.net.layers)
        optimizer = work.task.optimizer
        if not known or not isinstance(optimizer, SGD):
            raise NotImplementedError("the notebook used PyTorch for this network")
        self.work = work
        self.baseline = NumpyBaseline(work.net, work.inputs, work.labels, optimizer.lr)

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        return self.baseline.epoch(self.work.batches(order))
