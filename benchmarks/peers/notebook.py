"""The arithmetic of the published notebooks, as `handgrad.reproduce` has it.

Their errors are left out, for all contestants must learn the same.
"""

from __future__ import annotations

from benchmarks.tasks import Array, Work
from handgrad.optim import SGD
from handgrad.reproduce.arithmetic import KNOWN, Arithmetic


class Notebook:
    """Linear layers with their activations and batch norm; nothing else was done in NumPy."""

    def __init__(self, work: Work) -> None:
        known = all(isinstance(layer, KNOWN) for layer in work.net.layers)
        optimizer = work.task.optimizer
        if not known or not isinstance(optimizer, SGD):
            raise NotImplementedError("the notebook used PyTorch for this network")
        self.work = work
        self.arithmetic = Arithmetic(work.net, work.inputs, work.labels, optimizer.lr)

    def epoch(self, order: Array) -> float:
        """Make one update for each batch of `order`, and return the mean loss before them."""
        return self.arithmetic.epoch(self.work.batches(order))
