"""Convolution."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.plan import Buffer
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Array, Conv2d
from handgrad.layers.im2col import Pair, pair


def conv(b: Builder, layer: Conv2d, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Lay down a convolution."""
    C, H, W = X.shape
    (kh, kw), (down, across) = pair(layer.kernel), pair(layer.stride)
    top, left = pair(layer.padding)
    height, width = H + 2 * top, W + 2 * left
    O, taps = layer.channels, kh * kw
    rows, columns = (height - kh) // down + 1, (width - kw) // across + 1
    bias = b.parameter(f"{prefix}bias")

    padded = X.buffer
    if top or left:
        padded = Buffer(f"{b.plan.layer}: X with its border", C * height * width * LANES)
        place = (height * width * LANES, width * LANES, LANES, (top * width + left) * LANES)
        b.chunks("conv.spread", X.buffer, padded, C, H, W, *place)

    plane, row = height * width * LANES, width * LANES
    steps, sizes = (down * row, across * LANES), (O, rows, columns)
    Y = b.value("Y", (O, rows, columns), learned=True)
    ROWS, COLUMNS = product_tile(O, columns)
    P = _packed(b, "forward", prefix, (C, O, taps), C)
    arguments = (P, bias, padded, Y.buffer, C, plane, row, *steps, *sizes, kh, kw)
    b.chunks("conv.forward", *arguments, ROWS=ROWS, COLUMNS=COLUMNS)
    b.plan.multiply_adds += O * C * taps * rows * columns * (3 if X.learned else 2)

    turned = _packed(b, "backward", prefix, (C, O, taps), O) if X.learned and b.training else None

    def backward(dY: Value) -> Value | None:
        ROWS, COLUMNS = dot_tile(O, taps)
        dW, offsets = b.gradient(f"{prefix}weight"), _taps(kh, kw, row)
        arguments = (padded, dY.buffer, dW, C, plane, *steps, *sizes, taps, offsets)
        b.chunks("conv.gradient", *arguments, ROWS=ROWS, COLUMNS=COLUMNS)
        count = rows * columns * LANES
        b.chunks("conv.bias_gradient", dY.buffer, b.gradient(f"{prefix}bias"), O, count)
        return None if turned is None else _backward_input(b, turned, layer, X, dY)

    return Y, backward


def _packed(b: Builder, way: str, prefix: str, sizes: tuple[int, ...], tiles: int) -> Buffer:
    """Lay down the weights in the order in which one way reads them, once for all images."""
    P = Buffer(f"{b.plan.layer}: weights {way}", math.prod(sizes), single=True)
    b.plan.prepare(f"conv.pack_{way}", b.parameter(f"{prefix}weight"), P, *sizes, tiles=tiles)
    return P


def _backward_input(b: Builder, P: Buffer, layer: Conv2d, X: Value, dY: Value) -> Value:
    """Lay down dX: dY with room between its pixels and a border, convolved once more."""
    C, H, W = X.shape
    O, rows, columns = dY.shape
    (kh, kw), (down, across) = pair(layer.kernel), pair(layer.stride)
    top, left = pair(layer.padding)
    height, width = H + 2 * top + kh - 1, W + 2 * left + kw - 1
    plane, row = height * width * LANES, width * LANES

    D = Buffer(f"{b.plan.layer}: dY with its border", O * plane)
    corner = ((kh - 1) * width + kw - 1) * LANES
    place = (plane, down * row, across * LANES, corner)
    b.chunks("conv.spread", dY.buffer, D, O, rows, columns, *place)

    dX = b.value("dX", X.shape, learned=True)
    corner += (top * width + left) * LANES
    ROWS, COLUMNS = product_tile(C, W)
    border = (top, left, down * (rows - 1), across * (columns - 1))
    arguments = (P, D, dX.buffer, C, H, W, plane, row, corner, O, kh, kw, *border)
    b.chunks("conv.backward_input", *arguments, ROWS=ROWS, COLUMNS=COLUMNS)
    return dX


def product_tile(rows: int, columns: int) -> Pair:
    """Return the tile that covers rows x columns with the least work; 24 sums fit in registers."""
    sizes = [(r, v) for r, v in product(range(1, 13), range(1, 9)) if r * v + v <= 28]
    return min(sizes, key=lambda size: _tiles(rows, columns, size) * (math.prod(size) + 3))


def dot_tile(rows: int, columns: int) -> Pair:
    """Return the tile of sums over vectors, where every row and column costs a load as well."""
    sizes = [(r, v) for r, v in product(range(1, 7), range(1, 7)) if r * v + min(r, v) <= 30]
    return min(
        sizes, key=lambda size: _tiles(rows, columns, size) * (math.prod(size) + sum(size) / 2 + 1)
    )


def _tiles(rows: int, columns: int, size: Pair) -> int:
    return -(-rows // size[0]) * -(-columns // size[1])


def _taps(kh: int, kw: int, row: int) -> Array:
    """Return how far each tap of a window lies from its corner."""
    return (np.arange(kh)[:, None] * row + np.arange(kw) * LANES).reshape(-1)
