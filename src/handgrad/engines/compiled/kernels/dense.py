"""Kernels for Dense on batches: forward, input gradient, weight gradient, bias gradient, update.

Y = X Wᵀ + b        X (I, lanes)   W (O, I)   b (O,)   Y (O, lanes)

W is stored in tiles of T outputs, (O/T, I, T), so that T weights of one input are contiguous.
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, flag_nonfinite, squares
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, as_doubles, at
from handgrad.engines.compiled.kernels.step_state import CHUNKS, COUNT, LR
from handgrad.engines.compiled.kernels.tiles import product_tile, transpose_tile

ROWS, COLUMNS = 8, 1  # the size of a tile of sums; set when a kernel is compiled


@kernel(reads="W, b, X[share share_width]", writes="Y")
def forward(
    W: Floats,
    b: Floats,
    X: Floats,
    Y: Floats,
    share: int,
    share_width: int,
    inputs: int,
    outputs: int,
    T: int,
) -> None:
    """Y[o] = b[o] + Σᵢ W[o, i] X[i]        over one share of `share_width` inputs i"""
    begin = share * share_width
    for tile in range((outputs + T - 1) // T):
        first = tile * T
        rows = min(T, outputs - first)
        for r in range(0, rows, ROWS):
            product_tile(
                ROWS,
                1,
                at(b, first + r),
                (rows - r, 1),
                at(W, first * inputs + begin * T + r),
                (1, T),
                at(X, begin * LANES),
                (0, LANES),
                at(Y, (first + r) * LANES),
                (LANES, 0),
                (min(share_width, inputs - begin),),
            )


@kernel(reads="Y_by_share, b", writes="Y")
def add_pixel_shares(
    Y_by_share: Floats, share_stride: int, b: Floats, Y: Floats, outputs: int
) -> None:
    """Y[o] = b[o] + Y_by_share[0, o] + Y_by_share[1, o]"""
    second = at(Y_by_share, share_stride)
    for o in range(outputs):
        bias = b[o]
        for lane in range(o * LANES, (o + 1) * LANES):
            Y[lane] = bias + (Y_by_share[lane] + second[lane])


@kernel(reads="W, dY", writes="dX")
def backward_input(W: Floats, dY: Floats, dX: Floats, inputs: int, outputs: int, T: int) -> None:
    """dX[i] = Σₒ W[o, i] dY[o]        where rows of dY beyond O are zero"""
    tiles = (outputs + T - 1) // T
    for i in range(0, inputs, ROWS):
        product_tile(
            ROWS,
            1,
            None,
            (inputs - i, 1),
            at(W, i * T),
            (T, inputs * T, 1),
            dY,
            (0, T * LANES, LANES),
            at(dX, i * LANES),
            (LANES, 0),
            (tiles, min(T, outputs)),
        )


@kernel(reads="dY", writes="R")
def transpose_gradient(dY: Floats, R: Floats, outputs: int, T: int) -> None:
    """R[o/T, lane, o mod T] = dY[o, lane]        where rows of dY beyond O are zero"""
    for tile in range((outputs + T - 1) // T):
        first = tile * T
        for o in range(first, first + T, LANES):
            transpose_tile(at(dY, o * LANES), LANES, at(R, first * LANES + o - first), T)


@kernel(reads="X[chunks], R[chunks]", writes="dW[item tiles blocks], norms[item]")
def gradient(
    X: Floats,
    X_stride: int,
    R: Floats,
    R_stride: int,
    dW: Floats,
    inputs: int,
    T: int,
    item: int,
    tiles: int,
    blocks: int,
    halves: int,
    step_state: Ints,
    norms: Floats,
) -> None:
    """dW[o, i] = Σₙ X[i, n] dY[o, n]        for one block of i, one tile of o

    A work item is one half of the batch, one block of inputs and one tile of outputs. The chunks in
    a half of the batch are summed in order. dW has shape (halves, O/T, I, T). R is the transpose of
    dY, with shape (O/T, lanes, T) per chunk. From one chunk to the next, X advances by `X_stride`
    elements and R by `R_stride` elements. If the batch is not split into halves, norms[item] = Σ
    dW².
    """
    tile, block, half = item % tiles, item // tiles % blocks, item // (blocks * tiles)
    first, last = inputs * block // blocks, inputs * (block + 1) // blocks
    G = at(dW, ((half * tiles + tile) * inputs + first) * T)
    begin, end = step_state[CHUNKS] * half // halves, step_state[CHUNKS] * (half + 1) // halves
    if begin == end:
        fill(G, (last - first) * T, np.float32(0))
        return
    lanes = step_state[COUNT] if step_state[CHUNKS] == 1 else LANES
    for i in range(first, last, ROWS):
        product_tile(
            ROWS,
            COLUMNS,
            None,
            (last - i, COLUMNS),
            at(X, begin * X_stride + i * LANES),
            (LANES, X_stride, 1),
            at(R, begin * R_stride + tile * LANES * T),
            (LANES, R_stride, T),
            at(G, (i - first) * T),
            (T, LANES),
            (end - begin, lanes),
        )
    if halves == 1:
        norms[item] = squares(G, (last - first) * T)


@kernel(reads="dW[item tiles blocks]", writes="W[item tiles blocks]", flags="nonfinite")
def sgd(
    W: Floats,
    dW: Floats,
    inputs: int,
    T: int,
    item: int,
    tiles: int,
    blocks: int,
    step_state: Ints,
    nonfinite: Ints,
) -> None:
    """W[o, i] ← W[o, i] − η dW[o, i]        for one block of i, one tile of o, as in `gradient`"""
    tile, block = item % tiles, item // tiles
    first, last = inputs * block // blocks, inputs * (block + 1) // blocks
    lr, begin = np.float32(as_doubles(step_state)[LR]), (tile * inputs + first) * T
    weights, G = at(W, begin), at(dW, begin)
    for i in range((last - first) * T):
        weights[i] -= lr * G[i]
    flag_nonfinite(weights, (last - first) * T, nonfinite)


@kernel(reads="R", writes="db")
def bias_gradient(R: Floats, db: Floats, outputs: int, T: int) -> None:
    """db[o] = Σ_lane R[o/T, lane, o mod T]        where R is the transpose of dY"""
    for tile in range((outputs + T - 1) // T):
        sums = at(db, tile * T)
        fill(sums, T, np.float32(0))
        for lane in range(LANES):
            row = at(R, (tile * LANES + lane) * T)
            for o in range(T):
                sums[o] += row[o]
