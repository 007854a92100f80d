"""Kernels for the forward and backward passes of MaxPool2d, AvgPool2d and GlobalAvgPool2d.

X has shape (C, H, W, lanes), and Y has shape (C, rows, columns, lanes).
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill
from handgrad.engines.compiled.kernels.pointers import Floats, Int32s, at
from handgrad.engines.compiled.kernels.vector import (
    add_vector,
    add_where_argmax,
    set_where_argmax,
    window_max,
)


@kernel(reads="X", writes="Y, argmax")
def max_forward(
    X: Floats,
    Y: Floats,
    argmax: Int32s,
    channels: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
    stride_down: int,
    stride_across: int,
    top: int,
    left: int,
) -> None:
    """Y[k, r, c] = max_{i,j} X[k, r·s + i, c·s + j]        argmax is the first maximal i·kw + j"""
    for k in range(channels):
        for r in range(rows):
            h = r * stride_down - top
            i, i_end = max(0, -h), min(kernel_height, height - h)
            for c in range(columns):
                w = c * stride_across - left
                j, j_end = max(0, -w), min(kernel_width, width - w)
                place = ((k * rows + r) * columns + c) * LANES
                window_max(
                    at(X, ((k * height + h + i) * width + w + j) * LANES),
                    (width * LANES, LANES),
                    (i_end - i, j_end - j),
                    i * kernel_width + j,
                    kernel_width,
                    at(Y, place),
                    at(argmax, place),
                )


@kernel(reads="argmax, dY", writes="dX")
def max_backward(
    argmax: Int32s,
    dY: Floats,
    dX: Floats,
    channels: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
    stride_down: int,
    stride_across: int,
    top: int,
    left: int,
) -> None:
    """dX[k, r·s + i, c·s + j] += dY[k, r, c]        where i·kw + j is the argmax"""
    fill(dX, channels * height * width * LANES, np.float32(0))
    for k in range(channels):
        for r in range(rows):
            for c in range(columns):
                place = ((k * rows + r) * columns + c) * LANES
                dy, chosen = at(dY, place), at(argmax, place)
                for i in range(kernel_height):
                    h = r * stride_down + i - top
                    if h < 0 or h >= height:
                        continue
                    for j in range(kernel_width):
                        w = c * stride_across + j - left
                        if w < 0 or w >= width:
                            continue
                        dx = at(dX, ((k * height + h) * width + w) * LANES)
                        add_where_argmax(chosen, i * kernel_width + j, dy, dx)


@kernel(reads="argmax, dY", writes="dX")
def max_backward_disjoint(
    argmax: Int32s,
    dY: Floats,
    dX: Floats,
    channels: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
) -> None:
    """dX[k, r·kh + i, c·kw + j] = dY[k, r, c]        where i·kw + j is the argmax, else 0

    This kernel requires that each pixel is in exactly one window.
    """
    width = columns * kernel_width
    for k in range(channels):
        for r in range(rows):
            for c in range(columns):
                place = ((k * rows + r) * columns + c) * LANES
                dy, chosen = at(dY, place), at(argmax, place)
                for i in range(kernel_height):
                    h = (k * rows + r) * kernel_height + i
                    for j in range(kernel_width):
                        dx = at(dX, (h * width + c * kernel_width + j) * LANES)
                        set_where_argmax(chosen, i * kernel_width + j, dy, dx)


@kernel(reads="X", writes="Y")
def avg_forward(
    X: Floats,
    Y: Floats,
    channels: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
    stride_down: int,
    stride_across: int,
    top: int,
    left: int,
) -> None:
    """Y[k, r, c] = 1/(kh·kw) Σ_{i,j} X[k, r·s + i, c·s + j]"""
    share = np.float32(1) / np.float32(kernel_height * kernel_width)
    for k in range(channels):
        for r in range(rows):
            for c in range(columns):
                y = at(Y, ((k * rows + r) * columns + c) * LANES)
                fill(y, LANES, np.float32(0))
                for i in range(kernel_height):
                    h = r * stride_down + i - top
                    if h < 0 or h >= height:
                        continue
                    for j in range(kernel_width):
                        w = c * stride_across + j - left
                        if w < 0 or w >= width:
                            continue
                        x = at(X, ((k * height + h) * width + w) * LANES)
                        add_vector(y, share, x)


@kernel(reads="dY", writes="dX")
def avg_backward(
    dY: Floats,
    dX: Floats,
    channels: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
    stride_down: int,
    stride_across: int,
    top: int,
    left: int,
) -> None:
    """dX[k, r·s + i, c·s + j] += dY[k, r, c]/(kh·kw)"""
    share = np.float32(1) / np.float32(kernel_height * kernel_width)
    fill(dX, channels * height * width * LANES, np.float32(0))
    for k in range(channels):
        for r in range(rows):
            for c in range(columns):
                dy = at(dY, ((k * rows + r) * columns + c) * LANES)
                for i in range(kernel_height):
                    h = r * stride_down + i - top
                    if h < 0 or h >= height:
                        continue
                    for j in range(kernel_width):
                        w = c * stride_across + j - left
                        if w < 0 or w >= width:
                            continue
                        dx = at(dX, ((k * height + h) * width + w) * LANES)
                        add_vector(dx, share, dy)


@kernel(reads="X", writes="Y")
def global_avg_forward(X: Floats, Y: Floats, channels: int, area: int) -> None:
    """Y[k] = 1/(H·W) Σ_{h,w} X[k, h, w]"""
    share = np.float32(1) / np.float32(area)
    for k in range(channels):
        y = at(Y, k * LANES)
        fill(y, LANES, np.float32(0))
        for p in range(area):
            add_vector(y, share, at(X, (k * area + p) * LANES))


@kernel(reads="dY", writes="dX")
def global_avg_backward(dY: Floats, dX: Floats, channels: int, area: int) -> None:
    """dX[k, h, w] = dY[k] / (H·W)"""
    share = np.float32(1) / np.float32(area)
    for k in range(channels):
        dy = at(dY, k * LANES)
        for p in range(area):
            dx = at(dX, (k * area + p) * LANES)
            for lane in range(LANES):
                dx[lane] = dy[lane] * share
