"""A linear layer whose bias gradient is zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import Dense

CAUSE, TENSOR, FIRST = "missing gradient", "bias", (0,)


@dataclass(frozen=True)
class Faulty(Dense):
    units: int = 4

    def backward(self, params, cache, dY):
        bias = np.zeros_like(params["bias"])
        return dY @ params["weight"], {"weight": dY.T @ cache, "bias": bias}
