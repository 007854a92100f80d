"""A square linear layer whose weight gradient is transposed."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "transposed", "weight", (0, 1)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 5

    def backward(self, params, cache, dY):
        return dY @ params["weight"], {"weight": cache.T @ dY, "bias": dY.sum(axis=0)}
