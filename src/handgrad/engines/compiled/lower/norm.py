"""Normalisation."""

from __future__ import annotations

import math

from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.plan import Buffer, Place, Stride
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import BatchNorm, Normalize


def batch_norm(
    b: Builder, layer: BatchNorm, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down batch norm: the chunks' statistics, the batch's, and what follows from them."""
    F, area = X.shape[0], math.prod(X.shape[1:])
    weight, bias = b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias")
    mean_before, var_before = (b.net.buffers[f"{prefix}running_{name}"] for name in ("mean", "var"))
    if not b.training:
        Y = b.beside("Y", X)
        b.chunks(
            "norm.infer",
            *(Y.buffer, mean_before, var_before, layer.eps, weight, bias, F, area),
        )
        return Y, lambda dY: None

    mean, var, std = (
        Buffer(f"{b.plan.layer}: {name}", F, each=True) for name in ("mean", "variance", "σ")
    )
    means, spreads = (Buffer(f"{b.plan.layer}: {name} by chunk", F) for name in ("mean", "spread"))
    X_hat = b.beside("X̂", X, fixed=True)
    statistics = (X_hat.buffer, F, area, Place.CLOCK, Place.CHUNK, means, spreads)
    b.chunks("norm.statistics", *statistics)
    b.plan.emit(
        Kind.EVERY,
        "norm.combine",
        *(means, spreads, Stride(means), F, area, Place.CLOCK, layer.eps, mean, var, std),
    )
    Y = b.value("Y", X.shape, learned=True)
    b.chunks("norm.forward", X_hat.buffer, mean, std, weight, bias, Y.buffer, F, area)
    running = (mean_before, var_before, F, area, layer.momentum, Place.CLOCK, b.spoilt)
    b.update_buffers.append(
        lambda: b.plan.emit(Kind.TILES, "norm.update_buffers", mean, var, *running)
    )

    def backward(dY: Value) -> Value | None:
        dweight, dbias = b.gradient(f"{prefix}weight"), b.gradient(f"{prefix}bias")
        b.chunks("norm.gradient", X_hat.buffer, dY.buffer, dweight, dbias, F, area)
        if not X.learned:
            return None
        along, shift = (
            Buffer(f"{b.plan.layer}: {name}", F, each=True) for name in ("mean(dY X̂)", "mean(dY)")
        )
        b.plan.emit(
            Kind.EVERY,
            "norm.mean_gradient",
            *(dweight, dbias, Stride(b.parts), F, area, Place.CLOCK, along, shift),
        )
        sums = (along, shift, weight, std, F, area, Place.CLOCK, Place.CHUNK)
        b.chunks("norm.backward", X_hat.buffer, dY.buffer, *sums)
        return dY

    return Y, backward


def normalize(
    b: Builder, layer: Normalize, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down Normalize where it is not the first layer; there it is folded into what follows."""
    F = X.shape[0] if len(X.shape) == 3 else 1
    area = X.features // F
    mean, std = b.net.buffers[f"{prefix}mean"], b.net.buffers[f"{prefix}std"]
    shift, scale = aligned(F), aligned(F)

    def refresh() -> None:
        scale[...] = 1 / std
        shift[...] = mean / std

    b.refresh.append(refresh)
    Y = b.beside("Y", X)
    b.chunks("norm.normalize", Y.buffer, shift, scale, F, area)

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        b.chunks("norm.normalize_backward", dY.buffer, scale, F, area)
        return dY

    return Y, backward
