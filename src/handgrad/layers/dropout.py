"""Dropout, which sets random elements to zero, so that a network does not rely on single ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register
from handgrad.random import stream_key, uniforms

__all__ = ["Dropout", "Dropout2d"]


@register
@dataclass(frozen=True)
class Dropout:
    """In training, set each number to zero with probability p, and divide the rest by 1 − p.

    Y = M X/(1 − p)        M, of the shape of X, holds 0 or 1        dX = M dY/(1 − p)

    At inference Y = X. M is a function of (seed, step, layer, element), so every engine uses the
    same mask for a step, even if the step is computed several times.

    N. Srivastava et al. 2014, "Dropout", section 4, in its inverted form.

    Attributes:
        p: the probability of setting a number or channel to zero, at least 0 and below 1.
    """

    p: float = 0.5

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the input's shape, which is also the output's."""
        _check_probability(self.p)
        return {}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        if not ctx.training:
            return X, 1
        mask = _mask(self.p, X.shape, X.dtype, ctx)
        return X * mask, mask

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        mask = cache
        return dY * mask, {}


@register
@dataclass(frozen=True)
class Dropout2d:
    """In training, set each channel to zero with probability p, and divide the rest by 1 − p.

    Y = M X/(1 − p)        X (N, C, H, W), M (N, C) holds 0 or 1        dX = M dY/(1 − p)

    J. Tompson et al. 2015, "Efficient object localization using convolutional networks",
    section 3.2.

    Attributes:
        p: the probability of setting a number or channel to zero, at least 0 and below 1.
    """

    p: float = 0.5

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the input's shape, which is also the output's."""
        _check_probability(self.p)
        if len(shape) != 3:
            raise ModelError(f"takes images (C, H, W), not {shape}; use Dropout for flat input")
        return {}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y, the same shape."""
        if not ctx.training:
            return X, 1
        mask = _mask(self.p, X.shape[:2], X.dtype, ctx)[:, :, None, None]
        return X * mask, mask

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, C, H, W) -> dX, the same shape."""
        mask = cache
        return dY * mask, {}


def _mask(p: float, shape: Shape, dtype: np.dtype[np.floating], ctx: Context) -> Array:
    """Return M/(1 − p) with the given shape."""
    key = stream_key(ctx.seed, "dropout", ctx.step, ctx.layer)
    kept = uniforms(key, math.prod(shape)) >= np.float32(p)
    return kept.reshape(shape).astype(dtype) * dtype.type(1 / (1 - p))


def _check_probability(p: float) -> None:
    if not 0 <= p < 1:
        raise ModelError(f"p must be at least 0 and below 1, not {p}")
