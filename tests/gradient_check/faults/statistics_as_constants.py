"""Batch norm whose backward treats the mean and the variance as constants."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import BatchNorm

CAUSE, TENSOR, FIRST = "statistics as constants", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(BatchNorm):
    def backward(self, params, cache, dY):
        _, gradients = super().backward(params, cache, dY)
        return dY * params["weight"] / cache[3], gradients
