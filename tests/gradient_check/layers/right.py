"""Correct user-defined layers that are difficult to check numerically."""

from __future__ import annotations

import numpy as np


class Elementwise:
    """A layer without parameters."""

    def init(self, shape, rng):
        return {}, shape

    def forward(self, params, X, ctx):
        return self.of(X), X

    def backward(self, params, cache, dY):
        return dY * self.slope(cache), {}


class Offset(Elementwise):
    def of(self, X):
        return X + 1e6

    def slope(self, X):
        return np.ones_like(X)


class Sine(Elementwise):
    """Y = sin(100 X)."""

    def of(self, X):
        return np.sin(100 * X)

    def slope(self, X):
        return 100 * np.cos(100 * X)


class Exponential(Elementwise):
    """Y = exp(8 X), which overflows for large X."""

    def of(self, X):
        return np.exp(8 * X)

    def slope(self, X):
        return 8 * np.exp(8 * X)


class SteepSigmoid(Elementwise):
    def of(self, X):
        return 0.5 + 0.5 * np.tanh(30 * X)

    def slope(self, X):
        return 15 / np.cosh(30 * X) ** 2


class Clip(Elementwise):
    def of(self, X):
        return np.clip(X, 0, 6)

    def slope(self, X):
        return (X > 0) & (X < 6)


class Steep:
    """Y = 10⁴ X Wᵀ + b."""

    def init(self, shape, rng):
        return {"w": rng.normal(size=(4, shape[0])), "b": np.zeros(4)}, (4,)

    def forward(self, params, X, ctx):
        return 1e4 * (X @ params["w"].T) + params["b"], X

    def backward(self, params, cache, dY):
        return 1e4 * dY @ params["w"], {"w": 1e4 * dY.T @ cache, "b": dY.sum(0)}


class Unused(Steep):
    """A layer with an array on which its output does not depend."""

    def init(self, shape, rng):
        params, output = super().init(shape, rng)
        return params | {"unused": np.ones(3)}, output

    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"unused": np.zeros(3)}
