"""A convolution whose backward rotates the kernel one time too many."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.layers import Conv2d

CAUSE, TENSOR, FIRST = "transposed", "X", (0, 0, 0, 0)


@dataclass(frozen=True)
class Faulty(Conv2d):
    channels: int = 2
    kernel: int = 3

    def backward(self, params, cache, dY):
        turned = params | {"weight": params["weight"][:, :, ::-1, ::-1]}
        dX, _ = super().backward(turned, cache, dY)
        return dX, super().backward(params, cache, dY)[1]
