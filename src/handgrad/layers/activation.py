"""Activations: functions that are applied to each element separately."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Tanh"]


class Elementwise:
    """Base class of all activations: no parameters, and an output with the shape of the input."""

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the shape of the output, which is that of the input."""
        return {}, shape


@register
@dataclass(frozen=True)
class ReLU(Elementwise):
    """The positive part of each number.

    Y = max(X, 0)        dX = dY where X > 0, else 0
    """

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        Y = np.maximum(X, 0)
        return Y, Y

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        Y = cache
        return dY * (Y > 0), {}


@register
@dataclass(frozen=True)
class LeakyReLU(Elementwise):
    """The positive part of each number, plus a small multiple of its negative part.

    Y = X where X > 0, else slope·X        dX = dY where X > 0, else slope·dY

    Attributes:
        slope: the factor by which negative numbers are multiplied.
    """

    slope: float = 0.01

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        return np.where(X > 0, X, X * self.slope), X

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        X = cache
        return np.where(X > 0, dY, dY * self.slope), {}


@register
@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """The logistic function.

    Y = 1/(1 + e⁻ˣ)        dX = dY · Y(1 − Y)
    """

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        Y = sigmoid(X)
        return Y, Y

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        Y = cache
        return dY * Y * (1 - Y), {}


@register
@dataclass(frozen=True)
class Tanh(Elementwise):
    """The hyperbolic tangent.

    Y = tanh X        dX = dY · (1 − Y²)
    """

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        Y = np.tanh(X)
        return Y, Y

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        Y = cache
        return dY * (1 - Y * Y), {}


@register
@dataclass(frozen=True)
class SiLU(Elementwise):
    """Each element times its sigmoid: a smooth version of ReLU.

    Y = X·σ(X)        dX = dY · σ(X)(1 + X(1 − σ(X)))

    D. Hendrycks, K. Gimpel 2016, "Gaussian error linear units", section 2.
    """

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        S = sigmoid(X)
        return X * S, (X, S)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        X, S = cache
        return dY * S * (1 + X * (1 - S)), {}


def sigmoid(X: Array) -> Array:
    """Return 1/(1 + e⁻ˣ), computed as eˣ/(1 + eˣ) where X < 0, so that no exponential overflows."""
    E = np.exp(-np.abs(X))
    return np.where(X >= 0, 1, E) / (1 + E)
