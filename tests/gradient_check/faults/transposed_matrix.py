"""A square linear layer whose backward does not transpose the weight matrix."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "transposed", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 5

    def backward(self, params, cache, dY):
        return dY @ params["weight"].T, {"weight": dY.T @ cache, "bias": dY.sum(axis=0)}
