"""Batch norm whose backward ignores the scale."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import BatchNorm

CAUSE, TENSOR, FIRST = "missing factor", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(BatchNorm):
    def backward(self, params, cache, dY):
        dX, gradients = super().backward(params, cache, dY)
        return dX / params["weight"], gradients
