"""A difference from a learned centre whose gradient has the wrong sign."""

from __future__ import annotations

from dataclasses import dataclass

CAUSE, TENSOR, FIRST = "wrong sign", "centre", (0,)


@dataclass(frozen=True)
class Faulty:
    """Y = X − c        dX = dY        dc = −Σₙ dY"""

    def init(self, shape, rng):
        return {"centre": rng.normal(size=shape)}, shape

    def forward(self, params, X, ctx):
        return X - params["centre"], None

    def backward(self, params, cache, dY):
        return dY, {"centre": dY.sum(axis=0)}
