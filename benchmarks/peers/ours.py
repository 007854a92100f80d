"""handgrad: each engine, with the images as a user passes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.tasks import Array, Workload
from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.losses import SoftmaxCrossEntropy


class Handgrad:
    """Trains and predicts with one of handgrad's engines, which scales uint8 images itself."""

    def __init__(self, work: Workload, engine: str) -> None:
        self.work, self.task, self.images = work, work.task, work.images
        rules = TrainConfig(SoftmaxCrossEntropy(), self.task.optimizer)
        self.engine: Any = engine_named(engine, work.net, rules)

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        sizes = [len(batch) for batch in self.work.batches(order)]
        lrs = [self.task.optimizer.lr] * len(sizes)
        batches = BatchStream(self.work.images, self.work.labels, None, order, self.task.batch, lrs)
        return float(np.average(self.engine.run(batches).losses, weights=sizes))

    def logits(self, images: Array) -> Array:
        """Return the logits (N, K) of uint8 images."""
        return self.engine.logits(images)
