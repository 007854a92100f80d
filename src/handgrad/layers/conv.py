"""Convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.errors import ModelError
from handgrad.init import HeNormal, Initializer
from handgrad.layers.im2col import Pair, check_window, kernel_offsets, output_size, pad, pair, unpad
from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["Conv2d"]


@register
@dataclass(frozen=True)
class Conv2d:
    """A convolution: a small linear layer that slides over the image.

    Y[n,o,r,q] = Σ_{c,i,j} W[o,c,i,j] X[n,c, r·s+i, q·s+j] + b[o]

    X (N, C, H, W), already padded with zeros   W (O, C, kh, kw)   b (O,)
    Y (N, O, rows, columns)   s stride

    With the windows of X as the columns of a matrix P (N, C·kh·kw, rows·columns) (im2col), the
    convolution is a linear layer:

    Y = W P + b         dP = Wᵀ dY        dW = Σₙ dY Pᵀ        db = Σ_{n,r,c} dY

    For dX, every element of dP is added to the pixel from which it was copied (col2im).

    Attributes:
        channels: O, the number of output channels.
        kernel: the height and width of the kernel.
        stride: the vertical and horizontal distance between windows.
        padding: the number of rows and columns of zeros added on each side of the image.
        initializer: the distribution of the weights; the bias starts at zero.
    """

    channels: int
    kernel: int | Pair
    stride: int | Pair = 1
    padding: int | Pair = 0
    initializer: Initializer = HeNormal()

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return weight (O, C, kh, kw), bias (O,), and the output's shape (O, rows, columns)."""
        if self.channels < 1:
            raise ModelError(f"channels must be at least 1, not {self.channels}")
        check_window(pair(self.kernel), pair(self.stride), pair(self.padding))
        rows, columns = self._size(shape)
        weight = self.initializer.sample((self.channels, shape[0], *pair(self.kernel)), rng)
        output = (self.channels, rows, columns)
        return {"weight": weight, "bias": np.zeros(self.channels)}, output

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y (N, O, rows, columns)."""
        (N, C, _, _), (kh, kw), size = X.shape, pair(self.kernel), self._size(X.shape[1:])
        X = pad(X, pair(self.padding))
        windows = np.empty((N, C, kh, kw, *size), X.dtype)
        for i, j, view in kernel_offsets(X, (kh, kw), pair(self.stride), size):
            windows[:, :, i, j] = view
        P = windows.reshape(N, C * kh * kw, -1)

        W = params["weight"].reshape(self.channels, -1)
        Y = W @ P
        Y += params["bias"][:, None]
        return Y.reshape(N, self.channels, *size), (P, X.shape)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, O, rows, columns) -> dX (N, C, H, W), dW (O, C, kh, kw), db (O,)."""
        (_, padded), weight = cache, params["weight"]
        (N, O, *size), (kh, kw) = dY.shape, pair(self.kernel)
        dP = weight.reshape(O, -1).T @ dY.reshape(N, O, -1)

        dwindows = dP.reshape(N, -1, kh, kw, *size)
        dX = np.zeros(padded, dY.dtype)
        for i, j, view in kernel_offsets(dX, (kh, kw), pair(self.stride), (size[0], size[1])):
            view += dwindows[:, :, i, j]
        return unpad(dX, pair(self.padding)), self.gradients(params, cache, dY)

    def gradients(self, params: Params, cache: Cache, dY: Array) -> Params:
        """dY (N, O, rows, columns) -> dW (O, C, kh, kw), db (O,)."""
        P, _ = cache
        dY = dY.reshape(*dY.shape[:2], -1)
        dW = (dY @ P.transpose(0, 2, 1)).sum(axis=0)
        return {"weight": dW.reshape(params["weight"].shape), "bias": dY.sum(axis=(0, 2))}

    def _size(self, shape: Shape) -> Pair:
        return output_size(shape, pair(self.kernel), pair(self.stride), pair(self.padding))
