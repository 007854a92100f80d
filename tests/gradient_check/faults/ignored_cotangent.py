"""A square whose backward ignores dY."""

from __future__ import annotations

from dataclasses import dataclass

CAUSE, TENSOR, FIRST = "dY ignored", "X", (0, 0)


@dataclass(frozen=True)
class Faulty:
    """Y = X²        dX = 2 X dY"""

    def init(self, shape, rng):
        return {}, shape

    def forward(self, params, X, ctx):
        return X * X, X

    def backward(self, params, cache, dY):
        return 2 * cache, {}
