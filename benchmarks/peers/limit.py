"""The limit of the machine: large matrix products with as many multiply-adds as the training."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.tasks import Array, Workload, flops_per_image

N, I, O = 128, 784, 512


class MatrixProducts:
    """Computes products (128, 784) x (784, 512) with as many multiply-adds as the training."""

    def __init__(self, work: Workload) -> None:
        self.work_of_image = flops_per_image(work.net)
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((N, I), np.float32)
        self.W = rng.standard_normal((I, O), np.float32)
        self.Y = np.empty((N, O), np.float32)

    def epoch(self, order: Array) -> float:
        """Do the arithmetic of one epoch. Return NaN, because no loss is computed."""
        for _ in range(math.ceil(len(order) * self.work_of_image / (2 * N * I * O))):
            np.matmul(self.X, self.W, out=self.Y)
        return math.nan
