"""Translates BatchNorm, and Normalize if it is not the first layer, into kernel calls."""

from __future__ import annotations

import math

from handgrad.engines.compiled.lower.barriers import EACH_WORKER, tiles
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Buffer, ChunkStride
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import BatchNorm, Normalize


def batch_norm(
    b: Builder, layer: BatchNorm, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit BatchNorm: the statistics of each chunk and of the batch, then the normalization."""
    sizes = {"features": X.shape[0], "area": math.prod(X.shape[1:])}
    F = X.shape[0]
    affine = {"weight": b.parameter(f"{prefix}weight"), "bias": b.parameter(f"{prefix}bias")}
    running = {
        f"running_{name}": b.net.buffers[f"{prefix}running_{name}"] for name in ("mean", "var")
    }
    if not b.training:
        Y = b.in_place("Y", X)
        b.per_chunk(
            "norm.infer",
            X=Y.buffer,
            mean=running["running_mean"],
            var=running["running_var"],
            eps=layer.eps,
            **affine,
            **sizes,
        )
        return Y, lambda dY: None

    mean, var, std = (
        Buffer(f"{b.plan.layer}: {name}", F, per_worker=True) for name in ("mean", "variance", "σ")
    )
    means, deviations = (
        Buffer(f"{b.plan.layer}: {name} by chunk", F) for name in ("mean", "deviation")
    )
    X_hat = b.in_place("X̂", X, keep_for_backward=True)
    b.per_chunk("norm.statistics", X=X_hat.buffer, mean=means, deviation=deviations, **sizes)
    b.plan.emit(
        EACH_WORKER,
        "norm.combine",
        means=means,
        deviations=deviations,
        stride=ChunkStride(means),
        eps=layer.eps,
        mean=mean,
        var=var,
        std=std,
        **sizes,
    )
    Y = b.value("Y", X.shape, requires_grad=True)
    b.per_chunk("norm.forward", X=X_hat.buffer, mean=mean, std=std, Y=Y.buffer, **affine, **sizes)
    b.update_buffers.append(
        lambda: b.plan.emit(
            tiles(1),
            "norm.update_buffers",
            mean=mean,
            var=var,
            momentum=layer.momentum,
            nonfinite=b.nonfinite,
            **running,
            **sizes,
        )
    )

    def backward(dY: Value) -> Value | None:
        dweight, dbias = b.chunk_gradient(f"{prefix}weight"), b.chunk_gradient(f"{prefix}bias")
        b.per_chunk(
            "norm.gradient",
            X_hat=X_hat.buffer,
            dY=dY.buffer,
            dweight=dweight,
            dbias=dbias,
            **sizes,
        )
        if not X.requires_grad:
            return None
        means_of_batch = {
            key: Buffer(f"{b.plan.layer}: {name}", F, per_worker=True)
            for key, name in (("mean_dY_X", "mean(dY X̂)"), ("mean_dY", "mean(dY)"))
        }
        b.plan.emit(
            EACH_WORKER,
            "norm.mean_gradient",
            dweights=dweight,
            dbiases=dbias,
            stride=ChunkStride(b.chunk_gradients),
            **means_of_batch,
            **sizes,
        )
        b.per_chunk(
            "norm.backward",
            X_hat=X_hat.buffer,
            dY=dY.buffer,
            weight=affine["weight"],
            std=std,
            **means_of_batch,
            **sizes,
        )
        return dY

    return Y, backward


def normalize(
    b: Builder, layer: Normalize, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit Normalize. If it is the first layer, it is fused with reading the images instead."""
    F = X.shape[0] if len(X.shape) == 3 else 1
    sizes = {"features": F, "area": X.features // F}
    mean, std = b.net.buffers[f"{prefix}mean"], b.net.buffers[f"{prefix}std"]
    shift, scale = aligned(F), aligned(F)

    def refresh() -> None:
        scale[...] = 1 / std
        shift[...] = mean / std

    b.refresh.append(refresh)
    Y = b.in_place("Y", X)
    b.per_chunk("norm.normalize", X=Y.buffer, shift=shift, scale=scale, **sizes)

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        b.per_chunk("norm.normalize_backward", dY=dY.buffer, scale=scale, **sizes)
        return dY

    return Y, backward
