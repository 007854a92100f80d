"""A mean over the examples whose gradient is not divided by their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CAUSE, TENSOR, FIRST = "missing 1/N", "X", (0, 0)


@dataclass(frozen=True)
class Faulty:
    """Y = 1/N Σ (X − 1)²        dX = 2 (X − 1) dY / N"""

    def init(self, shape, rng):
        return {}, ()

    def forward(self, params, X, ctx):
        return np.array([np.square(X - 1).sum() / len(X)]), X

    def backward(self, params, cache, dY):
        return 2 * (cache - 1) * dY, {}
