"""A layer whose backward adds a shortcut that its forward does not have."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Tanh

CAUSE, TENSOR, FIRST = "counted twice", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(Tanh):
    def backward(self, params, cache, dY):
        dX, _ = super().backward(params, cache, dY)
        dX += dX
        return dX, {}
