"""Translates max pooling, average pooling and global average pooling into kernel calls."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Buffer
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from handgrad.layers.im2col import output_size, pair


def max_pool(
    b: Builder, layer: MaxPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit max pooling. The forward kernel stores the argmax of each window for backward."""
    Y, sizes = _output(b, layer, X)
    argmax = Buffer(f"{b.plan.layer}: argmax", Y.count, np.int32)
    b.per_chunk("pool.max_forward", X=X.buffer, Y=Y.buffer, argmax=argmax, **sizes)

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        dX = b.value("dX", X.shape, requires_grad=True)
        kernel, taken = "pool.max_backward", sizes
        if _windows_are_disjoint(layer, X.shape):
            kernel = "pool.max_backward_disjoint"
            names = ("channels", "rows", "columns", "kernel_height", "kernel_width")
            taken = {name: sizes[name] for name in names}
        b.per_chunk(kernel, argmax=argmax, dY=dY.buffer, dX=dX.buffer, **taken)
        return dX

    return Y, backward


def avg_pool(
    b: Builder, layer: AvgPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit average pooling."""
    Y, sizes = _output(b, layer, X)
    b.per_chunk("pool.avg_forward", X=X.buffer, Y=Y.buffer, **sizes)

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        dX = b.value("dX", X.shape, requires_grad=True)
        b.per_chunk("pool.avg_backward", dY=dY.buffer, dX=dX.buffer, **sizes)
        return dX

    return Y, backward


def global_avg_pool(
    b: Builder, layer: GlobalAvgPool2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit global average pooling, which computes the mean over the whole image."""
    C, H, W = X.shape
    Y = b.value("Y", (C,), X.requires_grad)
    b.per_chunk("pool.global_avg_forward", X=X.buffer, Y=Y.buffer, channels=C, area=H * W)

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        dX = b.value("dX", X.shape, requires_grad=True)
        b.per_chunk("pool.global_avg_backward", dY=dY.buffer, dX=dX.buffer, channels=C, area=H * W)
        return dX

    return Y, backward


def _windows_are_disjoint(layer: MaxPool2d, shape: tuple[int, ...]) -> bool:
    """Return whether the windows cover each pixel of an image (C, H, W) exactly once."""
    kernel = pair(layer.kernel)
    fits = all(size % side == 0 for size, side in zip(shape[1:], kernel, strict=True))
    return fits and pair(layer.padding) == (0, 0) and layer.stride in (None, layer.kernel, kernel)


def _output(b: Builder, layer: MaxPool2d | AvgPool2d, X: Value) -> tuple[Value, dict[str, int]]:
    """Return the output value, and the sizes that the kernels take, by parameter name."""
    kernel, padding = pair(layer.kernel), pair(layer.padding)
    stride = kernel if layer.stride is None else pair(layer.stride)
    rows, columns = output_size(X.shape, kernel, stride, padding)
    Y = b.value("Y", (X.shape[0], rows, columns), X.requires_grad)
    channels, height, width = X.shape
    sizes = {
        **{"channels": channels, "height": height, "width": width},
        **{"rows": rows, "columns": columns},
        **{"kernel_height": kernel[0], "kernel_width": kernel[1]},
        **{"stride_down": stride[0], "stride_across": stride[1]},
        **{"top": padding[0], "left": padding[1]},
    }
    return Y, sizes
