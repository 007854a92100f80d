"""Pooling."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.plan import Buffer
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from handgrad.layers.im2col import output_size, pair


def maximum(
    b: Builder, layer: MaxPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down max-pooling."""
    Y, geometry = _geometry(b, layer, X)
    winner = Buffer(f"{b.plan.layer}: winner", Y.count, np.int32)
    b.chunks("pool.max_forward", X.buffer, Y.buffer, winner, *geometry)

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        dX = b.value("dX", X.shape, learned=True)
        if _tile(layer, X.shape):
            sizes = (*Y.shape, *pair(layer.kernel))
            b.chunks("pool.max_backward_apart", winner, dY.buffer, dX.buffer, *sizes)
        else:
            b.chunks("pool.max_backward", winner, dY.buffer, dX.buffer, *geometry)
        return dX

    return Y, backward


def average(
    b: Builder, layer: AvgPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down average-pooling."""
    Y, geometry = _geometry(b, layer, X)
    b.chunks("pool.avg_forward", X.buffer, Y.buffer, *geometry)

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        dX = b.value("dX", X.shape, learned=True)
        b.chunks("pool.avg_backward", dY.buffer, dX.buffer, *geometry)
        return dX

    return Y, backward


def global_average(
    b: Builder, layer: GlobalAvgPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down the mean over the whole image."""
    C, H, W = X.shape
    Y = b.value("Y", (C,), X.learned)
    b.chunks("pool.global_avg_forward", X.buffer, Y.buffer, C, H * W)

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        dX = b.value("dX", X.shape, learned=True)
        b.chunks("pool.global_avg_backward", dY.buffer, dX.buffer, C, H * W)
        return dX

    return Y, backward


def _tile(layer: MaxPool2d, shape: tuple[int, ...]) -> bool:
    """Say whether the windows cover an image (C, H, W), each pixel once."""
    kernel = pair(layer.kernel)
    fits = all(size % side == 0 for size, side in zip(shape[1:], kernel, strict=True))
    return fits and pair(layer.padding) == (0, 0) and layer.stride in (None, layer.kernel, kernel)


def _geometry(b: Builder, layer: MaxPool2d | AvgPool2d, X: Value) -> tuple[Value, tuple[int, ...]]:
    """Return the output, and all sizes in the order in which the kernels take them."""
    kernel, padding = pair(layer.kernel), pair(layer.padding)
    stride = kernel if layer.stride is None else pair(layer.stride)
    size = output_size(X.shape, kernel, stride, padding)
    Y = b.value("Y", (X.shape[0], *size), X.learned)
    return Y, (*X.shape, *size, *kernel, *stride, *padding)
