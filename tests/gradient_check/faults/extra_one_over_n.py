"""A linear layer whose weight gradient is averaged over the examples."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "extra 1/N", "weight", (0, 0)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 4

    def backward(self, params, cache, dY):
        X = cache
        return dY @ params["weight"], {"weight": dY.T @ X / len(X), "bias": dY.sum(axis=0)}
