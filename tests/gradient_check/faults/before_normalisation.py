"""Batch norm and leaky ReLU, with the derivative of the ReLU taken before the norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import BatchNorm

CAUSE, TENSOR = "wrong point", "X"
FIRST = (0, 1)


@dataclass(frozen=True)
class Faulty(BatchNorm):
    slope: float = 0.1

    def forward(self, params, X, ctx):
        Z, cache = super().forward(params, X, ctx)
        return np.where(Z > 0, Z, self.slope * Z), (X, Z, cache)

    def backward(self, params, cache, dY):
        X, _, norm = cache
        return super().backward(params, norm, np.where(X > 0, dY, self.slope * dY))
