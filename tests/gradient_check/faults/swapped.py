"""Batch norm that swaps the gradients of scale and shift."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import BatchNorm

CAUSE, TENSOR, FIRST = "swapped", "weight", (0,)


@dataclass(frozen=True)
class Faulty(BatchNorm):
    def backward(self, params, cache, dY):
        dX, gradients = super().backward(params, cache, dY)
        return dX, {"weight": gradients["bias"], "bias": gradients["weight"]}
