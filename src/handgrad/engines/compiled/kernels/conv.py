"""Convolution.

Y[o, r, c] = b[o] + Σ_{k,i,j} W[o, k, i, j] X[k, r·s + i, c·s + j]        each a vector of lanes

X (C, H, W, lanes), its border of zeros included   W (O, C, kh, kw)   Y (O, rows, columns, lanes)
"""

from __future__ import annotations

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numba_forms import helper
from handgrad.engines.compiled.kernels.numbers import lane_sum
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, at
from handgrad.engines.compiled.kernels.tiles import dot_tile, product_tile

ROWS, COLUMNS = 8, 3  # the size of a tile; a kernel is compiled for each that is needed


def pack_forward(W: Floats, P: Floats, channels: int, outputs: int, taps: int, k: int) -> None:
    """P[k, t, o] = W[o, k, t]        one k"""
    for t in range(taps):
        for o in range(outputs):
            P[(k * taps + t) * outputs + o] = W[(o * channels + k) * taps + t]


def pack_backward(W: Floats, P: Floats, channels: int, outputs: int, taps: int, o: int) -> None:
    """P[o, t, k] = W[o, k, t]        one o"""
    for t in range(taps):
        for k in range(channels):
            P[(o * taps + t) * channels + k] = W[(o * channels + k) * taps + t]


def forward(
    P: Floats,
    b: Floats,
    X: Floats,
    Y: Floats,
    channels: int,
    plane: int,
    row: int,
    down: int,
    across: int,
    outputs: int,
    rows: int,
    columns: int,
    kernel_height: int,
    kernel_width: int,
) -> None:
    """Y[o, r, c] = b[o] + Σ_{k,i,j} W[o, k, i, j] X[k, r·s + i, c·s + j]

    P is W as `pack_forward` lays it out; X[k] lies at k·plane, its rows `row` numbers apart;
    windows are `down` and `across` numbers apart.
    """
    area = rows * columns * LANES
    taps = kernel_height * kernel_width
    for r in range(rows):
        for o in range(0, outputs, ROWS):
            for c in range(0, columns, COLUMNS):
                product_tile(
                    ROWS,
                    COLUMNS,
                    at(b, o),
                    (outputs - o, columns - c),
                    at(P, o),
                    (1, taps * outputs, kernel_width * outputs, outputs),
                    at(X, r * down + c * across),
                    (across, plane, row, LANES),
                    at(Y, o * area + (r * columns + c) * LANES),
                    (area, LANES),
                    (channels, kernel_height, kernel_width),
                )


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
    down: int,
    across: int,
) -> None:
    """dX[k, h, w] = Σ_{o,i,j} W[o, k, i, j] D[o, h − i, w − j]

    P is W as `pack_backward` lays it out. D is dY as `spread` lays it out: D[o] at o·plane, rows
    `row` numbers apart, D[o, h, w] for the first h and w at `corner`. Taps that would meet nothing
    but the border, before `top` and `left` or past `down` and `across`, are left out.
    """
    area = height * width * LANES
    taps = kernel_height * kernel_width
    for h in range(height):
        i, i_end = _inside(h + top, h + top, down, kernel_height)
        for k in range(0, channels, ROWS):
            for w in range(0, width, COLUMNS):
                last = min(w + COLUMNS, width) - 1
                j, j_end = _inside(w + left, last + left, across, kernel_width)
                product_tile(
                    ROWS,
                    COLUMNS,
                    None,
                    (channels - k, width - w),
                    at(P, (i * kernel_width + j) * channels + k),
                    (1, taps * channels, kernel_width * channels, channels),
                    at(D, corner + (h - i) * row + (w - j) * LANES),
                    (LANES, plane, -row, -LANES),
                    at(dX, k * area + (h * width + w) * LANES),
                    (area, LANES),
                    (outputs, i_end - i, j_end - j),
                )


@helper
def _inside(first: int, last: int, reach: int, taps: int) -> tuple[int, int]:
    """The taps t with 0 ≤ place − t ≤ reach for some place of first … last; one at least."""
    begin = min(max(0, first - reach), taps - 1)
    return begin, max(begin + 1, min(taps, last + 1))


def gradient(
    X: Floats,
    dY: Floats,
    dW: Floats,
    channels: int,
    plane: int,
    down: int,
    across: int,
    outputs: int,
    rows: int,
    columns: int,
    taps: int,
    offsets: Ints,
) -> None:
    """dW[o, k, i, j] = Σ_{r,c,lane} dY[o, r, c] X[k, r·s + i, c·s + j]"""
    area = rows * columns * LANES
    for o in range(0, outputs, ROWS):
        for k in range(channels):
            for t in range(0, taps, COLUMNS):
                dot_tile(
                    ROWS,
                    COLUMNS,
                    (outputs - o, taps - t),
                    at(dY, o * area),
                    (area, columns * LANES, LANES),
                    at(X, k * plane),
                    (down, across),
                    at(dW, (o * channels + k) * taps + t),
                    channels * taps,
                    (rows, columns),
                    at(offsets, t),
                )


def bias_gradient(dY: Floats, db: Floats, outputs: int, count: int) -> None:
    """db[o] = Σ_{r,c,lane} dY[o, r, c]        `count` numbers for each o"""
    for o in range(outputs):
        db[o] = lane_sum(at(dY, o * count), count)


def spread(
    X: Floats,
    D: Floats,
    channels: int,
    height: int,
    width: int,
    plane: int,
    down: int,
    across: int,
    corner: int,
) -> None:
    """D[k, corner + h·down + w·across] = X[k, h, w]        what lies between stays zero

    Puts a border around an image, or room between its pixels.
    """
    for k in range(channels):
        for h in range(height):
            source = at(X, (k * height + h) * width * LANES)
            target = at(D, k * plane + corner + h * down)
            for w in range(width):
                for lane in range(LANES):
                    target[w * across + lane] = source[w * LANES + lane]
