"""A shortcut that is added on the way back though it is not there on the way out."""

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
