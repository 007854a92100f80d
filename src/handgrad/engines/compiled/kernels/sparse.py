"""The linear layer on images most of whose pixels are zero.

Y = X Wᵀ + b and dW = dYᵀ X as in `dense`, with sums over the pixels that are not zero alone. What
they leave out is exactly zero: the arithmetic is the same. Where the images are normalised,
(x − m)/s, zeros become −m/s, and what all of them add is added at once:

Y = (x/s) Wᵀ + (b − (m/s) Wᵀ)        dW = dYᵀ (x/s) − (m/s) db
"""

from __future__ import annotations

import numpy as np
from numba.misc.special import literally

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numba_forms import helper
from handgrad.engines.compiled.kernels.numbers import fill, lanes_in, squares
from handgrad.engines.compiled.kernels.pointers import (
    Floats,
    Ints,
    Number,
    Places,
    at,
    doubles,
)
from handgrad.engines.compiled.kernels.tiles import (
    gather_tile,
    outer_tile,
    product_tile,
    scatter_tile,
    transpose_tile,
)
from handgrad.engines.compiled.runtime.step_state import CHUNKS, COUNT, LR

VECTORS = 1  # T/16, the vectors in a tile of outputs; a kernel is compiled for each that is needed


def fold_shift(
    W: Floats,
    b: Floats,
    shift: Floats,
    folded: Floats,
    size: int,
    cut: int,
    item: int,
    tiles: int,
) -> None:
    """folded[o] = b[o] + Σᵢ shift[i] W[o, i]        a share of i, a tile of o; shift[i] = −mᵢ/sᵢ

    The first share begins with b, and others with nothing.
    """
    T = VECTORS * LANES
    share, tile = item // tiles, item % tiles
    first, sums = share * cut, at(folded, item * T)
    for o in range(T):
        sums[o] = b[tile * T + o] if share == 0 else np.float32(0)
    product_tile(
        1,
        VECTORS,
        True,
        (1, VECTORS),
        at(shift, first),
        (0, 1),
        at(W, (tile * size + first) * T),
        (LANES, T),
        sums,
        (0, LANES),
        (min(cut, size - first),),
    )


def forward(
    W: Floats,
    b: Floats,
    places: Places,
    values: Floats,
    entries: int,
    starts: Ints,
    heads: int,
    blocks: int,
    size: int,
    item: int,
    groups: int,
    clock: Ints,
    R: Floats,
    r: int,
    Y: Floats,
    y: int,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, places[e]] values[e]        one tile of o, one group of chunks

    Lists a chunk every `entries` numbers, starts every `heads`; R, room for Y in rows, a chunk
    every r; Y a chunk every y. A block of weights is used for all images of the group before
    the next one is fetched.
    """
    T = VECTORS * LANES
    tile, group = item // groups, item % groups
    first, last = clock[CHUNKS] * group // groups, clock[CHUNKS] * (group + 1) // groups
    for n in range(first * LANES, last * LANES):
        row = at(R, n // LANES * r + (tile * LANES + n % LANES) * T)
        for o in range(T):
            row[o] = b[tile * T + o]
    weights = at(W, tile * size * T)
    for block in range(blocks):
        for n in range(first * LANES, min(last * LANES, clock[COUNT])):
            chunk, lane = n // LANES, n % LANES
            start = at(starts, chunk * heads + lane * (blocks + 1) + block)
            begin = chunk * entries + lane * (size + LANES) + start[0]
            row = at(R, chunk * r + (tile * LANES + lane) * T)
            count = start[1] - start[0]
            gather_tile(VECTORS, weights, T, at(places, begin), at(values, begin), count, row)
    for chunk in range(first, last):
        rows = at(R, chunk * r + tile * LANES * T)
        for v in range(VECTORS):
            column = at(Y, chunk * y + (tile * T + v * LANES) * LANES)
            transpose_tile(at(rows, v * LANES), T, column, LANES)


def forward_chunk(
    W: Floats,
    b: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
    blocks: int,
    cut: int,
    size: int,
    tiles: int,
    clock: Ints,
    chunk: int,
    rows: Floats,
    Y: Floats,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, places[e]] values[e]        all o, one chunk: where W fits the cache

    A share of `cut` pixels. rows: room for Y in rows of one tile.
    """
    T = VECTORS * LANES
    for tile in range(tiles):
        for lane in range(LANES):
            row = at(rows, lane * T)
            for o in range(T):
                row[o] = b[tile * T + o]
            if lane < lanes_in(clock, chunk):
                begin, count = lane * (cut + LANES), starts[lane * (blocks + 1) + blocks]
                weights = at(W, tile * size * T)
                gather_tile(VECTORS, weights, T, at(places, begin), at(values, begin), count, row)
        for v in range(VECTORS):
            column = at(Y, (tile * T + v * LANES) * LANES)
            transpose_tile(at(rows, v * LANES), T, column, LANES)


def gradient(
    places: Places,
    values: Floats,
    entries: int,
    places_step: int,
    starts: Ints,
    heads: int,
    starts_step: int,
    R: Floats,
    r: int,
    shift: Floats,
    shifted: int,
    dW: Floats,
    size: int,
    cut: int,
    item: int,
    tiles: int,
    blocks: int,
    block: int,
    clock: Ints,
    sums: Floats,
    norms: Floats,
) -> None:
    """dW[o, i] = Σₙ dY[o, n] values[n, i] + shift[i] Σₙ dY[o, n]        a block of i, a tile of o

    An item is a share of the pixels, a tile and a block. Lists a share every `entries` numbers,
    their starts every `heads`; a chunk every `places_step` and `starts_step`. R = dY in rows, a
    chunk every r; norms[item] = Σ dW².
    """
    T = VECTORS * LANES
    share, tile, part = item // (blocks * tiles), item // blocks % tiles, item % blocks
    first = share * cut + part * block
    last = min(first + block, (share + 1) * cut, size)
    G = at(dW, tile * size * T)
    sum_block(
        VECTORS,
        (at(places, share * entries), at(values, share * entries), places_step),
        (at(starts, share * heads + part), starts_step),
        (at(R, tile * LANES * T), r),
        (shift, shifted),
        G,
        (first, last, blocks, cut),
        clock,
        sums,
    )
    norms[item] = squares(at(G, first * T), (last - first) * T)


def judge_rows(R: Floats, size: int, clock: Ints, chunk: int, norms: Floats) -> None:
    """norms[chunk] = (1 + η²) Σ dY²        not finite where dY or η dY is too large"""
    lr = np.float32(doubles(clock)[LR])
    norms[chunk] = (np.float32(1) + lr * lr) * squares(R, size)


def update(
    places: Places,
    values: Floats,
    entries: int,
    places_step: int,
    starts: Ints,
    heads: int,
    starts_step: int,
    R: Floats,
    r: int,
    shift: Floats,
    shifted: int,
    W: Floats,
    size: int,
    cut: int,
    item: int,
    tiles: int,
    blocks: int,
    block: int,
    clock: Ints,
    room: Floats,
) -> None:
    """W[o, i] ← W[o, i] − η dW[o, i]        items and dW as in `gradient`

    room for the gradient of a block, and one row of T numbers more. To subtract each image's
    part from W at once would spare little, and round W as often as there are images.
    """
    T = VECTORS * LANES
    share, tile, part = item // (blocks * tiles), item // blocks % tiles, item % blocks
    first = share * cut + part * block
    last = min(first + block, (share + 1) * cut, size)
    sums, G = room, at(room, T)
    sum_block(
        VECTORS,
        (at(places, share * entries), at(values, share * entries), places_step),
        (at(starts, share * heads + part), starts_step),
        (at(R, tile * LANES * T), r),
        (shift, shifted),
        at(G, -first * T),
        (first, last, blocks, cut),
        clock,
        sums,
    )
    lr, weights = np.float32(doubles(clock)[LR]), at(W, (tile * size + first) * T)
    for i in range((last - first) * T):
        weights[i] -= lr * G[i]


@helper
def sum_block(
    VECTORS: Number,
    lists: tuple[Places, Floats, int],
    starts_of: tuple[Ints, int],
    rows: tuple[Floats, int],
    normal: tuple[Floats, int],
    G: Floats,
    pixels: tuple[int, int, int, int],
    clock: Ints,
    sums: Floats,
) -> None:
    """G[i] = Σₙ dY[n] values[n, i] + shift[i] Σₙ dY[n]        the i of a block, one tile of o

    The lists, their starts and the rows are those of the block's share, of the block and of the
    tile; `sums` is room for T numbers.
    """
    places, values, places_step = lists
    starts, starts_step = starts_of
    R, r = rows
    shift, shifted = normal
    first, last, blocks, cut = pixels
    literally(VECTORS)
    T = VECTORS * LANES
    fill(at(G, first * T), (last - first) * T, np.float32(0))
    if shifted:
        fill(sums, T, np.float32(0))
        for n in range(clock[COUNT]):
            row = at(R, n // LANES * r + n % LANES * T)
            for o in range(T):
                sums[o] += row[o]
        outer_tile(VECTORS, at(G, first * T), T, at(shift, first), last - first, sums)
    for n in range(clock[COUNT]):
        chunk, lane = n // LANES, n % LANES
        start = at(starts, chunk * starts_step + lane * (blocks + 1))
        begin = chunk * places_step + lane * (cut + LANES) + start[0]
        row, count = at(R, chunk * r + lane * T), start[1] - start[0]
        scatter_tile(VECTORS, G, T, at(places, begin), at(values, begin), count, row)
