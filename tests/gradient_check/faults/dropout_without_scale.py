"""Dropout whose backward does not scale the gradient."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Dropout

CAUSE, TENSOR = "missing factor", "X"
FIRST = (0, 0)


@dataclass(frozen=True)
class Faulty(Dropout):
    p: float = 0.2

    def backward(self, params, cache, dY):
        return dY * (cache > 0), {}
