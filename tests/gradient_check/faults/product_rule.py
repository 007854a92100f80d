"""SiLU whose backward forgets that the sigmoid depends on X too."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import SiLU

CAUSE, TENSOR, FIRST = "product rule", "X", (0, 0)


@dataclass(frozen=True)
class Faulty(SiLU):
    def backward(self, params, cache, dY):
        _, S = cache
        return dY * S, {}
