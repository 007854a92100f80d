"""Kernels for Conv2d: packing, padding, forward, input gradient, weight and bias gradients.

Y[o, r, c] = b[o] + Σ_{k,i,j} W[o, k, i, j] X[k, r·s + i, c·s + j]

Each Y[o, r, c] is a vector of lanes. The shapes are:

X (C, H, W, lanes), including padding   W (O, C, kh, kw)   Y (O, rows, columns, lanes)
"""

from __future__ import annotations

from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import lane_sum
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, at
from handgrad.engines.compiled.kernels.tiles import dot_tile, product_tile

ROWS, COLUMNS = 8, 3  # the size of a tile of sums; set when a kernel is compiled


@kernel(reads="W", writes="P[k]")
def pack_forward(
    W: Floats, P: Floats, channels: int, outputs: int, kernel_area: int, k: int
) -> None:
    """P[k, t, o] = W[o, k, t]        for one k"""
    for t in range(kernel_area):
        for o in range(outputs):
            P[(k * kernel_area + t) * outputs + o] = W[(o * channels + k) * kernel_area + t]


@kernel(reads="W", writes="P[o]")
def pack_backward(
    W: Floats, P: Floats, channels: int, outputs: int, kernel_area: int, o: int
) -> None:
    """P[o, t, k] = W[o, k, t]        for one o"""
    for t in range(kernel_area):
        for k in range(channels):
            P[(o * kernel_area + t) * channels + k] = W[(o * channels + k) * kernel_area + t]


@kernel(reads="P, b, X", writes="Y")
def forward(
    P: Floats,
    b: Floats,
    X: Floats,
    Y: Floats,
    channels: int,
    plane: int,
    row: int,
    row_stride: int,
    column_stride: int,
    outputs: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
) -> None:
    """Y[o, r, c] = b[o] + Σ_{k,i,j} W[o, k, i, j] X[k, r·s + i, c·s + j]

    P contains W in the layout written by `pack_forward`. X[k] begins at k·plane, and each row
    begins `row` elements after the previous one. A window begins `row_stride` elements after the
    one above it, and `column_stride` elements after the one to its left.
    """
    area = rows * columns * LANES
    kernel_area = kernel_height * kernel_width
    for r in range(rows):
        for o in range(0, outputs, ROWS):
            for c in range(0, columns, COLUMNS):
                product_tile(
                    ROWS,
                    COLUMNS,
                    at(b, o),
                    (outputs - o, columns - c),
                    at(P, o),
                    (1, kernel_area * outputs, kernel_width * outputs, outputs),
                    at(X, r * row_stride + c * column_stride),
                    (column_stride, plane, row, LANES),
                    at(Y, o * area + (r * columns + c) * LANES),
                    (area, LANES),
                    (channels, kernel_height, kernel_width),
                )


@kernel(reads="P, D", writes="dX")
def backward_input(
    P: Floats,
    D: Floats,
    dX: Floats,
    channels: int,
    height: int,
    width: int,
    plane: int,
    row: int,
    corner: int,
    outputs: int,
    kernel_height: int,
    kernel_width: int,
    top: int,
    left: int,
    last_row: int,
    last_column: int,
) -> None:
    """dX[k, h, w] = Σ_{o,i,j} W[o, k, i, j] D[o, h − i, w − j]

    P contains W in the layout written by `pack_backward`. D contains dY in the layout written by
    `pad`: D[o] begins at o·plane, each of its rows begins `row` elements after the previous one,
    and D[o, 0, 0] is at `corner`. Kernel elements (i, j) are skipped if they would only multiply
    padding. dY is located between `top` and `top + last_row`, and between `left` and `left +
    last_column`.
    """
    area = height * width * LANES
    kernel_area = kernel_height * kernel_width
    for h in range(height):
        i, i_end = _inside(h + top, h + top, last_row, kernel_height)
        for k in range(0, channels, ROWS):
            for w in range(0, width, COLUMNS):
                last = min(w + COLUMNS, width) - 1
                j, j_end = _inside(w + left, last + left, last_column, kernel_width)
                product_tile(
                    ROWS,
                    COLUMNS,
                    None,
                    (channels - k, width - w),
                    at(P, (i * kernel_width + j) * channels + k),
                    (1, kernel_area * channels, kernel_width * channels, channels),
                    at(D, corner + (h - i) * row + (w - j) * LANES),
                    (LANES, plane, -row, -LANES),
                    at(dX, k * area + (h * width + w) * LANES),
                    (area, LANES),
                    (outputs, i_end - i, j_end - j),
                )


@helper
def _inside(first: int, last: int, reach: int, size: int) -> tuple[int, int]:
    """Return the range of kernel elements t such that 0 ≤ p − t ≤ reach for a p in first … last.

    The range is never empty, so every element of the result is written.
    """
    begin = min(max(0, first - reach), size - 1)
    return begin, max(begin + 1, min(size, last + 1))


@kernel(reads="X, dY, offsets", writes="dW")
def gradient(
    X: Floats,
    dY: Floats,
    dW: Floats,
    channels: int,
    plane: int,
    row_stride: int,
    column_stride: int,
    outputs: int,
    rows: int,
    columns: int,
    kernel_area: int,
    offsets: Ints,
) -> None:
    """dW[o, k, i, j] = Σ_{r,c,lane} dY[o, r, c] X[k, r·s + i, c·s + j]"""
    area = rows * columns * LANES
    for o in range(0, outputs, ROWS):
        for k in range(channels):
            for t in range(0, kernel_area, COLUMNS):
                dot_tile(
                    ROWS,
                    COLUMNS,
                    (outputs - o, kernel_area - t),
                    at(dY, o * area),
                    (area, columns * LANES, LANES),
                    at(X, k * plane),
                    (row_stride, column_stride),
                    at(dW, (o * channels + k) * kernel_area + t),
                    channels * kernel_area,
                    (rows, columns),
                    at(offsets, t),
                )


@kernel(reads="dY", writes="db")
def bias_gradient(dY: Floats, db: Floats, outputs: int, count: int) -> None:
    """db[o] = Σ_{r,c,lane} dY[o, r, c]        with `count` elements for each o"""
    for o in range(outputs):
        db[o] = lane_sum(at(dY, o * count), count)


@kernel(reads="X", writes="D")
def pad(
    X: Floats,
    D: Floats,
    channels: int,
    height: int,
    width: int,
    plane: int,
    row_stride: int,
    column_stride: int,
    corner: int,
) -> None:
    """D[k, corner + h·row_stride + w·column_stride] = X[k, h, w]

    The kernel copies an image into D, which pads the image with zeros, dilates it, or both. All
    other elements of D stay zero.
    """
    for k in range(channels):
        for h in range(height):
            source = at(X, (k * height + h) * width * LANES)
            target = at(D, k * plane + corner + h * row_stride)
            for w in range(width):
                for lane in range(LANES):
                    target[w * column_stride + lane] = source[w * LANES + lane]
