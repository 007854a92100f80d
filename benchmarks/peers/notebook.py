"""The computation of the published notebooks in NumPy, from `handgrad.reproduce`.

Without the errors of the notebooks, because all must compute the same.
"""

from __future__ import annotations

from benchmarks.tasks import Array, Work
from handgrad.optim import SGD
from handgrad.reproduce.numpy_baseline import SUPPORTED, NumpyBaseline


class Notebook:
    """Linear layers with their activations and batch norm; nothing else was done in NumPy."""

    def __init__(self, work: Work) -> None:
        known = all(isinstance(layer, SUPPORTED) for layer in work.net.layers)
        optimizer = work.task.optimizer
        if not known or not isinstance(optimizer, SGD):
            raise NotImplementedError("the notebook used PyTorch for this network")
        self.work = work
        self.baseline = NumpyBaseline(work.net, work.inputs, work.labels, optimizer.lr)

    def epoch(self, order: Array) -> float:
        """Make one update for each batch of `order`, and return the mean loss before them."""
        return self.baseline.epoch(self.work.batches(order))
