"""Kernels for Dense on a batch of one image, in which a vector contains features of the image.

Y = W x + b        x (I,)   W (O, I)   b (O,)   Y (O,)

W is stored in tiles of T outputs, (O/T, I, T), as in `dense`. A SIMD vector contains 16
outputs of the single image.
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, squares
from handgrad.engines.compiled.kernels.pointers import Floats, Int32s, Ints, as_doubles, at
from handgrad.engines.compiled.kernels.step_state import LR
from handgrad.engines.compiled.kernels.tiles import (
    gather_tile,
    outer_tile,
    scatter_tile,
    transpose_tile,
)

VECTORS = 1  # T/16, the vectors in a tile of outputs; set when a kernel is compiled


@kernel(reads="W, b, indices, data, indptr", writes="Y[tile]")
def forward_csr(
    W: Floats,
    b: Floats,
    indices: Int32s,
    data: Floats,
    indptr: Ints,
    blocks: int,
    inputs: int,
    tile: int,
    Y: Floats,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, indices[e]] data[e]        for one tile of outputs o"""
    T = VECTORS * LANES
    row, weights = at(Y, tile * T), at(W, tile * inputs * T)
    for o in range(T):
        row[o] = b[tile * T + o]
    gather_tile(VECTORS, weights, T, indices, data, indptr[blocks], row)


@kernel(reads="indices, data, indptr, dY, shift", writes="W[tile inputs]", scratch="step")
def update_csr(
    indices: Int32s,
    data: Floats,
    indptr: Ints,
    blocks: int,
    dY: Floats,
    shift: Floats,
    has_shift: int,
    W: Floats,
    inputs: int,
    tile: int,
    step_state: Ints,
    step: Floats,
) -> None:
    """W[o, indices[e]] ← W[o, indices[e]] − η dY[o] data[e]        for one tile of outputs o

    If `has_shift` is set, the image is normalized, and the kernel also computes
    W[o, i] ← W[o, i] − η dY[o] shift[i]. `step` is scratch memory of T elements.
    """
    T = VECTORS * LANES
    lr, weights = np.float32(as_doubles(step_state)[LR]), at(W, tile * inputs * T)
    for o in range(T):
        step[o] = -lr * dY[tile * T + o]
    scatter_tile(VECTORS, weights, T, indices, data, indptr[blocks], step)
    if has_shift:
        outer_tile(VECTORS, weights, T, shift, inputs, step)


@kernel(reads="W, b, X, indices", writes="Y")
def forward(
    W: Floats, b: Floats, X: Floats, Y: Floats, inputs: int, tiles: int, indices: Int32s
) -> None:
    """Y[o] = b[o] + Σᵢ W[o, i] X[i]        indices[i] = i"""
    T = VECTORS * LANES
    for tile in range(tiles):
        row, weights = at(Y, tile * T), at(W, tile * inputs * T)
        for o in range(T):
            row[o] = b[tile * T + o]
        gather_tile(VECTORS, weights, T, indices, X, inputs, row)


@kernel(reads="W, dY, indices", writes="dX", scratch="scratch")
def backward_input(
    W: Floats,
    dY: Floats,
    dX: Floats,
    inputs: int,
    outputs: int,
    tiles: int,
    indices: Int32s,
    scratch: Floats,
) -> None:
    """dX[i] = Σₒ W[o, i] dY[o]        for 16 inputs i at a time

    indices[o] = o. The scratch memory has 16 x 16 elements.
    """
    T = VECTORS * LANES
    for start in range(0, inputs, LANES):
        i = min(start, inputs - LANES)
        fill(at(dX, i), LANES, np.float32(0))
        for tile in range(tiles):
            for o in range(0, T, LANES):
                count = min(LANES, outputs - tile * T - o)
                transpose_tile(at(W, (tile * inputs + i) * T + o), T, scratch, LANES)
                gather_tile(1, scratch, LANES, indices, at(dY, tile * T + o), count, at(dX, i))


@kernel(reads="X, dY", writes="dW, norms")
def gradient(X: Floats, dY: Floats, dW: Floats, inputs: int, tiles: int, norms: Floats) -> None:
    """dW[o, i] = X[i] dY[o]        norms[0] = Σ dW²"""
    T = VECTORS * LANES
    fill(dW, tiles * inputs * T, np.float32(0))
    for tile in range(tiles):
        outer_tile(VECTORS, at(dW, tile * inputs * T), T, X, inputs, at(dY, tile * T))
    norms[0] = squares(dW, tiles * inputs * T)
