"""A padded convolution whose backward removes the border on the wrong side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import Conv2d

CAUSE, TENSOR, FIRST = "shifted", "X", (0, 0, 0, 0)


@dataclass(frozen=True)
class Faulty(Conv2d):
    channels: int = 2
    kernel: int = 3
    padding: int = 1

    def backward(self, params, cache, dY):
        dX, gradients = super().backward(params, cache, dY)
        return np.concatenate([np.zeros_like(dX[..., :1]), dX[..., :-1]], axis=3), gradients
