"""Normalization layers, which use the statistics of the batch or of the training set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["BatchNorm", "Normalize"]


@register
@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization: scale each feature to mean 0 and variance 1, then scale and shift it.

    X̂ = (X − μ)/σ        σ = sqrt(var + ε)        Y = γ X̂ + β

    X (N, F), or X (N, F, H, W), in which every pixel counts as an example; γ, β, μ, σ (F,)

    dγ = Σ dY X̂          dβ = Σ dY

    In training, μ and σ are computed from the batch and therefore depend on X:

    dX = γ/σ · (dY − mean(dY) − X̂ · mean(dY X̂))

    At inference, μ and σ are the running statistics, which do not depend on X: dX = γ/σ · dY. The
    running variance is unbiased (divided by count − 1), as in PyTorch.

    S. Ioffe, C. Szegedy 2015, "Batch normalization", section 3 and algorithm 1.

    Attributes:
        eps: ε, a small number that prevents a division by zero.
        momentum: the weight of the current batch when the running statistics are updated.
    """

    eps: float = 1e-5
    momentum: float = 0.1
    buffers: ClassVar = ("running_mean", "running_var")

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return γ, β, running_mean and running_var, each (F,), and the input's shape."""
        if not self.eps > 0:
            raise ModelError(f"eps must be above 0, not {self.eps}")
        if not 0 <= self.momentum <= 1:
            raise ModelError(f"momentum must be between 0 and 1, not {self.momentum}")
        F = shape[0]
        learned = {"weight": np.ones(F), "bias": np.zeros(F)}
        return {**learned, "running_mean": np.zeros(F), "running_var": np.ones(F)}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, F) or (N, F, H, W) -> Y, the same shape."""
        mean = _mean(X) if ctx.training else params["running_mean"]
        X_hat = X - _along(mean, X)
        var = _mean(X_hat * X_hat) if ctx.training else params["running_var"]
        std = np.sqrt(var + self.eps)
        X_hat /= _along(std, X)
        Y = X_hat * _along(params["weight"], X)
        Y += _along(params["bias"], X)
        return Y, (X_hat, mean, var, std, ctx.training)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape, dγ (F,), dβ (F,)."""
        X_hat, _, _, std, training = cache
        dY_X_hat = dY * X_hat
        gradients = {"weight": _sum(dY_X_hat), "bias": _sum(dY)}
        dX = dY
        if training:
            dX = dY - _along(_mean(dY), dY) - X_hat * _along(_mean(dY_X_hat), dY)
        return dX * _along(params["weight"] / std, dY), gradients

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return the running statistics after a training step on this batch."""
        X_hat, mean, var, _, _ = cache
        count = X_hat.size // X_hat.shape[1]
        if count == 1:
            return {}  # a single number has no variance
        unbiased = var * (count / (count - 1))
        keep = 1 - self.momentum
        return {
            "running_mean": keep * params["running_mean"] + self.momentum * mean,
            "running_var": keep * params["running_var"] + self.momentum * unbiased,
        }


@register
@dataclass(frozen=True)
class Normalize:
    """Scale each channel to mean 0 and standard deviation 1 over the training set.

    Y = (X − m)/s        X (N, C, H, W), m and s (C,); or X (N, I), m and s (1,)

    dX = dY/s

    Normalize is a layer, so its statistics are stored with the model. It has no parameters: m and s
    are not learned, but computed once from the training images.

    Attributes:
        mean: m, as one number or one per channel; or None to compute it from the training images.
        std: s, as one number or one per channel; or None to compute it from the training images.
    """

    mean: float | tuple[float, ...] | None = None
    std: float | tuple[float, ...] | None = None
    buffers: ClassVar = ("mean", "std")

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return mean and std (0 and 1 until they are fitted), and the input's shape."""
        channels = shape[0] if len(shape) == 3 else 1
        mean = _by_channel("mean", 0.0 if self.mean is None else self.mean, channels)
        std = _by_channel("std", 1.0 if self.std is None else self.std, channels)
        if not (std > 0).all():
            raise ModelError(f"std must be above 0, not {self.std}")
        return {"mean": mean, "std": std}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) or (N, I) -> Y, the same shape."""
        return (X - _along(params["mean"], X)) / _along(params["std"], X), None

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, the same shape."""
        return dY / _along(params["std"], dY), {}

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return no buffers, because a training step does not change mean and std."""
        return {}

    def fit_statistics(self, batches: Iterable[Array], weights: Array | None = None) -> Params:
        """Compute mean and std from the training images, unless the constructor has set them.

        Args:
            batches: batches of images.
            weights: the weight of each image, (N,), or None for equal weights.
        """
        at, count, total, squares = 0, 0.0, np.zeros(()), np.zeros(())
        for X in batches:
            X = X.astype(np.float64).reshape(len(X), X.shape[1] if X.ndim == 4 else 1, -1)
            w = np.ones(len(X)) if weights is None else weights[at : at + len(X)].astype(np.float64)
            wX = X if weights is None else X * w[:, None, None]
            count += w.sum() * X.shape[2]
            total = total + wX.sum(axis=(0, 2))
            squares = squares + (wX * X).sum(axis=(0, 2))
            at += len(X)
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean * mean, 0))
        std[std <= 1e-6 * abs(mean)] = 1.0  # constant up to rounding
        return {
            "mean": mean if self.mean is None else np.broadcast_to(self.mean, mean.shape),
            "std": std if self.std is None else np.broadcast_to(self.std, std.shape),
        }


def _by_channel(name: str, value: float | tuple[float, ...], channels: int) -> Array:
    """Return one number per channel, (C,) float64."""
    values = np.asarray(value, np.float64)
    if values.shape not in ((), (channels,)) or not np.isfinite(values).all():
        raise ModelError(f"{name} must be one finite number or {channels} of them, not {value}")
    return np.array(np.broadcast_to(values, channels))


def _along(values: Array, X: Array) -> Array:
    """Return values (F,) reshaped to broadcast along axis 1 of X."""
    return values.reshape(1, -1, *(1,) * (X.ndim - 2))


def _mean(X: Array) -> Array:
    """Return the mean (F,) over all axes except axis 1."""
    return X.mean(axis=(0, *range(2, X.ndim)))


def _sum(X: Array) -> Array:
    """Return the sum (F,) over all axes except axis 1."""
    return X.sum(axis=(0, *range(2, X.ndim)))
