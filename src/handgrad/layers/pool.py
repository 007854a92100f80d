"""Pooling layers, which reduce the size of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers.im2col import Pair, check_window, kernel_offsets, output_size, pad, pair, unpad
from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["AvgPool2d", "GlobalAvgPool2d", "MaxPool2d"]


@register
@dataclass(frozen=True)
class MaxPool2d:
    """Max pooling: the largest number in each window.

    Y[n,c,r,q] = max_{i,j} X[n,c, r·s+i, q·s+j]        X (N, C, H, W)   Y (N, C, rows, columns)

    dX: each dY is added to the largest pixel of its window, or to the first of several equal ones.

    Attributes:
        kernel: the height and width of the window.
        stride: the distance between neighboring windows, or None for the size of the window.
        padding: the number of rows and columns added on each side, with the value minus infinity.
    """

    kernel: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the output's shape (C, rows, columns)."""
        return {}, _output(self, shape)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y (N, C, rows, columns)."""
        kernel, stride, padding = _window(self)
        size = output_size(X.shape[1:], kernel, stride, padding)
        X = pad(X, padding, value=-np.inf)
        Y = np.full((*X.shape[:2], *size), -np.inf, X.dtype)
        argmax = np.zeros(Y.shape, np.int32)
        for i, j, view in kernel_offsets(X, kernel, stride, size):
            argmax[view > Y] = i * kernel[1] + j
            np.maximum(view, Y, out=Y)
        return Y, (argmax, X.shape)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, C, rows, columns) -> dX (N, C, H, W)."""
        (kernel, stride, padding), (argmax, padded) = _window(self), cache
        dX = np.zeros(padded, dY.dtype)
        for i, j, view in kernel_offsets(dX, kernel, stride, dY.shape[2:]):
            view += dY * (argmax == i * kernel[1] + j)
        return unpad(dX, padding), {}


@register
@dataclass(frozen=True)
class AvgPool2d:
    """Average pooling: the mean of each window.

    Y[n,c,r,q] = 1/(kh·kw) Σ_{i,j} X[n,c, r·s+i, q·s+j]   X (N, C, H, W)   Y (N, C, rows, columns)

    dX: each dY/(kh·kw) is added to every pixel of its window.

    Attributes:
        kernel: the height and width of the window.
        stride: the distance between neighboring windows, or None for the size of the window.
        padding: the number of rows and columns of zeros added on each side; the mean includes them.
    """

    kernel: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the output's shape (C, rows, columns)."""
        return {}, _output(self, shape)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y (N, C, rows, columns)."""
        kernel, stride, padding = _window(self)
        size = output_size(X.shape[1:], kernel, stride, padding)
        X = pad(X, padding)
        Y = np.zeros((*X.shape[:2], *size), X.dtype)
        for _, _, view in kernel_offsets(X, kernel, stride, size):
            Y += view
        Y /= kernel[0] * kernel[1]
        return Y, X.shape

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, C, rows, columns) -> dX (N, C, H, W)."""
        (kernel, stride, padding), padded = _window(self), cache
        share = dY / (kernel[0] * kernel[1])
        dX = np.zeros(padded, dY.dtype)
        for _, _, view in kernel_offsets(dX, kernel, stride, dY.shape[2:]):
            view += share
        return unpad(dX, padding), {}


@register
@dataclass(frozen=True)
class GlobalAvgPool2d:
    """The mean of each channel over the whole image.

    Y[n,c] = 1/(H·W) Σ_{h,w} X[n,c,h,w]        X (N, C, H, W)   Y (N, C)

    dX[n,c,h,w] = dY[n,c] / (H·W)
    """

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the output's shape (C,)."""
        if len(shape) != 3:
            raise ModelError(f"takes images (C, H, W), not {shape}")
        return {}, (shape[0],)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y (N, C)."""
        return X.mean(axis=(2, 3)), X.shape

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, C) -> dX (N, C, H, W)."""
        N, C, H, W = cache
        dX = np.empty((N, C, H, W), dY.dtype)
        dX[...] = dY[:, :, None, None] / (H * W)
        return dX, {}


def _output(layer: MaxPool2d | AvgPool2d, shape: Shape) -> Shape:
    """Return the output's shape, or raise a ModelError."""
    kernel, stride, padding = _window(layer)
    check_window(kernel, stride, padding)
    for size, border in zip(kernel, padding, strict=True):
        if border > size // 2:  # a window could lie in the padding entirely
            raise ModelError(f"padding must be at most half the window, not {border}")
    return shape[0], *output_size(shape, kernel, stride, padding)


def _window(layer: MaxPool2d | AvgPool2d) -> tuple[Pair, Pair, Pair]:
    """Return the kernel, stride and padding as pairs; the default stride is the kernel size."""
    stride = layer.kernel if layer.stride is None else layer.stride
    return pair(layer.kernel), pair(stride), pair(layer.padding)
