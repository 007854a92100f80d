"""Softmax over the classes, whose backward sums over the examples."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.losses import softmax

CAUSE, TENSOR, FIRST = "wrong axis", "X", (0, 0)


@dataclass(frozen=True)
class Faulty:
    """Y = softmax(X)        dX = Y (dY − Σₖ dY Y)"""

    def init(self, shape, rng):
        return {}, shape

    def forward(self, params, X, ctx):
        Y = softmax(X)
        return Y, Y

    def backward(self, params, cache, dY):
        Y = cache
        return Y * (dY - (dY * Y).sum(axis=0)), {}
