"""User-defined layers whose errors are not visible for small inputs or in a single call."""

from __future__ import annotations

import numpy as np


class Activation:
    """A layer without parameters."""

    def init(self, shape, rng):
        return {}, shape


class ForgottenTop(Activation):
    """ReLU6 whose backward ignores the upper limit of 6."""

    def forward(self, params, X, ctx):
        return np.clip(X, 0, 6), X

    def backward(self, params, cache, dY):
        return dY * (cache > 0), {}


class ForgottenEnds(Activation):
    """Hard swish whose backward ignores the limits at -3 and 3."""

    def forward(self, params, X, ctx):
        return X * np.clip(X / 6 + 0.5, 0, 1), X

    def backward(self, params, cache, dY):
        return dY * (cache / 3 + 0.5), {}


class ClippedGradient(Activation):
    def forward(self, params, X, ctx):
        return 3 * X, None

    def backward(self, params, cache, dY):
        return np.clip(3 * dY, -10, 10), {}


class Linear:
    def init(self, shape, rng):
        return {"w": rng.normal(size=(4, shape[0])), "b": np.zeros(4)}, (4,)

    def forward(self, params, X, ctx):
        return X @ params["w"].T + params["b"], X

    def backward(self, params, cache, dY):
        return dY @ params["w"], {"w": dY.T @ cache, "b": dY.sum(0)}


class ClippedCotangent(Linear):
    def backward(self, params, cache, dY):
        return super().backward(params, cache, np.clip(dY, -2, 2))


class SingleBackward(Linear):
    """A layer whose backward computes in float32."""

    def backward(self, params, cache, dY):
        f, d = np.float32, np.float64
        dX = (dY.astype(f) @ params["w"].astype(f)).astype(d)
        dw = (dY.astype(f).T @ cache.astype(f)).astype(d)
        return dX, {"w": dw, "b": dY.astype(f).sum(0).astype(d)}


class AddedConstant(Linear):
    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX + 1e-8, found


class KeptInSelf(Linear):
    def forward(self, params, X, ctx):
        self.X = X
        return super().forward(params, X, ctx)[0], None

    def backward(self, params, cache, dY):
        return super().backward(params, self.X, dY)


class TinyBias(Linear):
    """A layer whose bias gradient is zero, although it should be a billionth of the others."""

    def forward(self, params, X, ctx):
        return X @ params["w"].T + 1e-9 * params["b"], X

    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"b": np.zeros(4)}


class TinyBiasTurned(TinyBias):
    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"b": -1e-9 * dY.sum(0)}


class NormAsConstant(Activation):
    """X / ‖X‖ with a backward that treats the norm as a constant."""

    def forward(self, params, X, ctx):
        norm = np.sqrt((X**2).sum(1, keepdims=True))
        return X / norm, norm

    def backward(self, params, cache, dY):
        return dY / cache, {}


class LayerNormAsConstant(Activation):
    def forward(self, params, X, ctx):
        deviation = np.sqrt(X.var(1, keepdims=True) + 1e-5)
        return (X - X.mean(1, keepdims=True)) / deviation, deviation

    def backward(self, params, cache, dY):
        return dY / cache, {}


class AnotherVariance(Activation):
    """A batch norm that divides the variance by N - 1, with the backward pass for division by N."""

    def forward(self, params, X, ctx):
        deviation = np.sqrt(X.var(0, ddof=1) + 1e-5)
        X_hat = (X - X.mean(0)) / deviation
        return X_hat, (X_hat, deviation)

    def backward(self, params, cache, dY):
        X_hat, deviation = cache
        return (dY - dY.mean(0) - X_hat * (dY * X_hat).mean(0)) / deviation, {}


class NearlyRight(Linear):
    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"b": found["b"] * (1 + 3e-7)}


class NearlyRightInOne(Linear):
    def backward(self, params, cache, dY):
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"b": found["b"] * np.array([1, 1, 1 + 1e-6, 1])}
