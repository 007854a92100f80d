"""A linear layer whose gradient includes weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "weight decay", "weight", (0, 0)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 4

    def backward(self, params, cache, dY):
        dX, gradients = super().backward(params, cache, dY)
        return dX, gradients | {"weight": gradients["weight"] + 0.01 * params["weight"]}
