"""The linear layer for one image at a time: a value is a row of numbers, without lanes.

Y = W x + b        x (I,)   W (O, I)   b (O,)   Y (O,)

W lies in tiles of T outputs, (O/T, I, T), as in `dense`. Vectors run over outputs here, for there
is no second image to stand beside the first.
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, squares
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, Places, at, doubles
from handgrad.engines.compiled.kernels.tiles import (
    gather_tile,
    outer_tile,
    scatter_tile,
    transpose_tile,
)
from handgrad.engines.compiled.runtime.step_state import LR

VECTORS = 1  # T/16, the vectors in a tile of outputs; a kernel is compiled for each that is needed


def forward_on_list(
    W: Floats,
    b: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
    blocks: int,
    inputs: int,
    tile: int,
    Y: Floats,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, places[e]] values[e]        one tile of o"""
    T = VECTORS * LANES
    row, weights = at(Y, tile * T), at(W, tile * inputs * T)
    for o in range(T):
        row[o] = b[tile * T + o]
    gather_tile(VECTORS, weights, T, places, values, starts[blocks], row)


def update_on_list(
    places: Places,
    values: Floats,
    starts: Ints,
    blocks: int,
    dY: Floats,
    shift: Floats,
    shifted: int,
    W: Floats,
    inputs: int,
    tile: int,
    clock: Ints,
    step: Floats,
) -> None:
    """W[o, places[e]] ← W[o, places[e]] − η dY[o] values[e]        a tile of o

    Where images are normalised, all weights take their share: shift[i] in place of values[e].
    Room for a step of T numbers.
    """
    T = VECTORS * LANES
    lr, weights = np.float32(doubles(clock)[LR]), at(W, tile * inputs * T)
    for o in range(T):
        step[o] = -lr * dY[tile * T + o]
    scatter_tile(VECTORS, weights, T, places, values, starts[blocks], step)
    if shifted:
        outer_tile(VECTORS, weights, T, shift, inputs, step)


def forward(
    W: Floats, b: Floats, X: Floats, Y: Floats, inputs: int, tiles: int, places: Places
) -> None:
    """Y[o] = b[o] + Σᵢ W[o, i] X[i]        places[i] = i"""
    T = VECTORS * LANES
    for tile in range(tiles):
        row, weights = at(Y, tile * T), at(W, tile * inputs * T)
        for o in range(T):
            row[o] = b[tile * T + o]
        gather_tile(VECTORS, weights, T, places, X, inputs, row)


def backward_input(
    W: Floats,
    dY: Floats,
    dX: Floats,
    inputs: int,
    outputs: int,
    tiles: int,
    places: Places,
    room: Floats,
) -> None:
    """dX[i] = Σₒ W[o, i] dY[o]        16 i at a time; places[o] = o; room for (16, lanes)"""
    T = VECTORS * LANES
    for start in range(0, inputs, LANES):
        i = min(start, inputs - LANES)
        fill(at(dX, i), LANES, np.float32(0))
        for tile in range(tiles):
            for o in range(0, T, LANES):
                count = min(LANES, outputs - tile * T - o)
                transpose_tile(at(W, (tile * inputs + i) * T + o), T, room, LANES)
                gather_tile(1, room, LANES, places, at(dY, tile * T + o), count, at(dX, i))


def gradient(X: Floats, dY: Floats, dW: Floats, inputs: int, tiles: int, norms: Floats) -> None:
    """dW[o, i] = X[i] dY[o]        norms[0] = Σ dW²"""
    T = VECTORS * LANES
    fill(dW, tiles * inputs * T, np.float32(0))
    for tile in range(tiles):
        outer_tile(VECTORS, at(dW, tile * inputs * T), T, X, inputs, at(dY, tile * T))
    norms[0] = squares(dW, tiles * inputs * T)
