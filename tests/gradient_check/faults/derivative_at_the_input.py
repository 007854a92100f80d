"""A sigmoid whose backward uses the input instead of the output in its formula."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Sigmoid

CAUSE, TENSOR, FIRST = "wrong point", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(Sigmoid):
    def forward(self, params, X, ctx):
        return super().forward(params, X, ctx)[0], X

    def backward(self, params, cache, dY):
        return dY * cache * (1 - cache), {}
