"""A linear layer whose backward does not return a bias gradient."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "missing gradient", "bias", None


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 4

    def backward(self, params, cache, dY):
        return dY @ params["weight"], {"weight": dY.T @ cache}
