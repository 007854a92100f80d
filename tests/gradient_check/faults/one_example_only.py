"""A linear layer whose weight gradient uses only the last example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "one example only", "weight", (0, 0)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 4

    def backward(self, params, cache, dY):
        dX, gradients = super().backward(params, cache, dY)
        for x, dy in zip(cache, dY, strict=True):
            gradients["weight"] = np.outer(dy, x)
        return dX, gradients
