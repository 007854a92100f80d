"""Sliding windows over images, for convolution and pooling, and the adjoint operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers.layer import Array, Shape

Pair = tuple[int, int]  # height, width


def pair(value: int | Pair) -> Pair:
    """Return (value, value) if value is a number; return a pair unchanged."""
    height, width = value if isinstance(value, Sequence) else (value, value)
    return int(height), int(width)


def check_window(kernel: Pair, stride: Pair, padding: Pair) -> None:
    """Raise a ModelError unless kernel, stride and padding are valid."""
    for name, sizes, least in (
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if min(sizes) < least:
            raise ModelError(f"{name} must be at least {least}, not {min(sizes)}")


def output_size(shape: Shape, kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """Return the number of windows, vertical and horizontal, in an image of shape (C, H, W)."""
    if len(shape) != 3:
        raise ModelError(f"takes images (C, H, W), not {shape}")
    padded = [size + 2 * border for size, border in zip(shape[1:], padding, strict=True)]
    if padded[0] < kernel[0] or padded[1] < kernel[1]:
        raise ModelError(
            f"its {kernel[0]}x{kernel[1]} window does not fit into {padded[0]}x{padded[1]} "
            "(padding included); use a smaller window, more padding, or less pooling before it"
        )
    rows, columns = ((padded[i] - kernel[i]) // stride[i] + 1 for i in (0, 1))
    return rows, columns


def pad(X: Array, padding: Pair, value: float = 0.0) -> Array:
    """Return X (N, C, H, W) padded with `value`."""
    if padding == (0, 0):
        return X
    (top, left), (N, C, H, W) = padding, X.shape
    padded = np.full((N, C, H + 2 * top, W + 2 * left), value, X.dtype)
    padded[:, :, top : top + H, left : left + W] = X
    return padded


def unpad(X: Array, padding: Pair) -> Array:
    """Remove the padding from X (N, C, H, W), which is the adjoint of `pad`."""
    (top, left), (H, W) = padding, X.shape[2:]
    return X[:, :, top : H - top, left : W - left]


def kernel_offsets(
    X: Array, kernel: Pair, stride: Pair, size: Pair
) -> Iterator[tuple[int, int, Array]]:
    """Yield each offset (i, j) in the kernel with a view of the pixel there in every window.

    X (N, C, H, W) -> views (N, C, rows, columns), whose element (r, q) is X at
    (r·stride + i, q·stride + j).
    """
    (rows, columns), (down, across) = size, stride
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield i, j, X[:, :, i : i + down * rows : down, j : j + across * columns : across]
