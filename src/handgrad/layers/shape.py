"""Layers that only change the shape of their input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["Flatten"]


@register
@dataclass(frozen=True)
class Flatten:
    """Flatten an image into one vector, channel by channel, row by row.

    Y = X reshaped        X (N, C, H, W)   Y (N, C·H·W)        dX = dY reshaped back
    """

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the output's shape (C·H·W,)."""
        return {}, (math.prod(shape),)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y (N, C·H·W)."""
        return X.reshape(len(X), math.prod(X.shape[1:])), X.shape

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, C·H·W) -> dX (N, C, H, W)."""
        return dY.reshape(cache), {}
