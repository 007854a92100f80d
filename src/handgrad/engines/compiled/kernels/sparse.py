"""Kernels for a first Dense layer on CSR images, which sum only over nonzero pixels.

These kernels compute Y = X Wᵀ + b and dW = dYᵀ X like the kernels in `dense`, but omit terms that
are exactly zero. Normalizing the images as (x − m)/s turns a zero pixel into −m/s. The contribution
of −m/s to the result is added once for all images:

Y = (x/s) Wᵀ + (b − (m/s) Wᵀ)        dW = dYᵀ (x/s) − (m/s) db
"""

from __future__ import annotations

import numpy as np
from numba.misc.special import literally

from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, images_in_chunk, squares
from handgrad.engines.compiled.kernels.pointers import (
    Floats,
    Int32s,
    Ints,
    Number,
    as_doubles,
    at,
)
from handgrad.engines.compiled.kernels.step_state import CHUNKS, COUNT, LR
from handgrad.engines.compiled.kernels.tiles import (
    gather_tile,
    outer_tile,
    product_tile,
    scatter_tile,
    transpose_tile,
)

VECTORS = 1  # T/16, the vectors in a tile of outputs; set when a kernel is compiled


@kernel(reads="W, b, shift", writes="folded[item]")
def fold_shift(
    W: Floats,
    b: Floats,
    shift: Floats,
    folded: Floats,
    pixels: int,
    share_width: int,
    item: int,
    tiles: int,
) -> None:
    """folded[o] = b[o] + Σᵢ shift[i] W[o, i]        shift[i] = −mᵢ/sᵢ

    A work item is a share (a contiguous range) of the pixels i and a tile of the outputs o. Only
    the first share adds b.
    """
    T = VECTORS * LANES
    share, tile = item // tiles, item % tiles
    first, sums = share * share_width, at(folded, item * T)
    for o in range(T):
        sums[o] = b[tile * T + o] if share == 0 else np.float32(0)
    product_tile(
        1,
        VECTORS,
        True,
        (1, VECTORS),
        at(shift, first),
        (0, 1),
        at(W, (tile * pixels + first) * T),
        (LANES, T),
        sums,
        (0, LANES),
        (min(share_width, pixels - first),),
    )


@kernel(
    reads="W, b, indices[chunks], data[chunks], indptr[chunks]",
    writes="R[item groups], Y[item groups]",
)
def forward(
    W: Floats,
    b: Floats,
    indices: Int32s,
    data: Floats,
    chunk_stride: int,
    indptr: Ints,
    indptr_chunk_stride: int,
    blocks: int,
    pixels: int,
    item: int,
    groups: int,
    step_state: Ints,
    R: Floats,
    R_stride: int,
    Y: Floats,
    Y_stride: int,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, indices[e]] data[e]        for one tile of o, one group of chunks

    From one chunk of images to the next, `indices` and `data` advance by `chunk_stride` elements,
    and `indptr` advances by `indptr_chunk_stride` elements. R is scratch memory for the transpose
    of Y. From one chunk to the next, R advances by `R_stride` elements and Y by `Y_stride`
    elements. One block of weights is used for all images of the group, and then the next block.
    """
    T = VECTORS * LANES
    tile, group = item // groups, item % groups
    first, last = step_state[CHUNKS] * group // groups, step_state[CHUNKS] * (group + 1) // groups
    for n in range(first * LANES, last * LANES):
        row = at(R, n // LANES * R_stride + (tile * LANES + n % LANES) * T)
        for o in range(T):
            row[o] = b[tile * T + o]
    weights = at(W, tile * pixels * T)
    for block in range(blocks):
        for n in range(first * LANES, min(last * LANES, step_state[COUNT])):
            chunk, lane = n // LANES, n % LANES
            start = at(indptr, chunk * indptr_chunk_stride + lane * (blocks + 1) + block)
            begin = chunk * chunk_stride + lane * (pixels + LANES) + start[0]
            row = at(R, chunk * R_stride + (tile * LANES + lane) * T)
            count = start[1] - start[0]
            gather_tile(VECTORS, weights, T, at(indices, begin), at(data, begin), count, row)
    for chunk in range(first, last):
        rows = at(R, chunk * R_stride + tile * LANES * T)
        for v in range(VECTORS):
            column = at(Y, chunk * Y_stride + (tile * T + v * LANES) * LANES)
            transpose_tile(at(rows, v * LANES), T, column, LANES)


@kernel(reads="W, b, indices, data, indptr", writes="Y", scratch="rows")
def forward_chunk(
    W: Floats,
    b: Floats,
    indices: Int32s,
    data: Floats,
    indptr: Ints,
    blocks: int,
    share_width: int,
    pixels: int,
    tiles: int,
    step_state: Ints,
    chunk: int,
    rows: Floats,
    Y: Floats,
) -> None:
    """Y[o] = b[o] + Σₑ W[o, indices[e]] data[e]    for all o, one chunk, one share of the pixels

    This variant of the forward kernel is for weights that fit into the cache. `rows` is scratch
    memory (lanes, T).
    """
    T = VECTORS * LANES
    for tile in range(tiles):
        for lane in range(LANES):
            row = at(rows, lane * T)
            for o in range(T):
                row[o] = b[tile * T + o]
            if lane < images_in_chunk(step_state, chunk):
                begin, count = lane * (share_width + LANES), indptr[lane * (blocks + 1) + blocks]
                weights = at(W, tile * pixels * T)
                gather_tile(VECTORS, weights, T, at(indices, begin), at(data, begin), count, row)
        for v in range(VECTORS):
            column = at(Y, (tile * T + v * LANES) * LANES)
            transpose_tile(at(rows, v * LANES), T, column, LANES)


@kernel(
    reads="indices[chunks], data[chunks], indptr[chunks], R[chunks], shift",
    writes="dW[item tiles blocks block], norms[item]",
    scratch="sums",
)
def gradient(
    indices: Int32s,
    data: Floats,
    share_stride: int,
    chunk_stride: int,
    indptr: Ints,
    indptr_share_stride: int,
    indptr_chunk_stride: int,
    R: Floats,
    R_stride: int,
    shift: Floats,
    has_shift: int,
    dW: Floats,
    pixels: int,
    share_width: int,
    item: int,
    tiles: int,
    blocks: int,
    block: int,
    step_state: Ints,
    sums: Floats,
    norms: Floats,
) -> None:
    """dW[o, i] = Σₙ dY[o, n] data[n, i] + shift[i] Σₙ dY[o, n]    for a block of i, a tile of o

    A work item is a share of the pixels, a tile of outputs and a block of pixels. In `indices` and
    `data`, a share begins `share_stride` elements after the previous share, and a chunk begins
    `chunk_stride` elements after the previous chunk. The strides of indptr are separate parameters.
    R is the transpose of dY; each chunk begins `R_stride` elements after the previous one. `sums`
    is scratch memory of T elements. norms[item] = Σ dW².
    """
    T = VECTORS * LANES
    share, tile, part = item // (blocks * tiles), item // blocks % tiles, item % blocks
    first = share * share_width + part * block
    last = min(first + block, (share + 1) * share_width, pixels)
    G = at(dW, tile * pixels * T)
    sum_block(
        VECTORS,
        (at(indices, share * share_stride), at(data, share * share_stride), chunk_stride),
        (at(indptr, share * indptr_share_stride + part), indptr_chunk_stride),
        (at(R, tile * LANES * T), R_stride),
        (shift, has_shift),
        G,
        (first, last, blocks, share_width),
        step_state,
        sums,
    )
    norms[item] = squares(at(G, first * T), (last - first) * T)


@kernel(
    reads="indices[chunks], data[chunks], indptr[chunks], R[chunks], shift",
    writes="W[item tiles blocks block]",
    scratch="scratch",
)
def update(
    indices: Int32s,
    data: Floats,
    share_stride: int,
    chunk_stride: int,
    indptr: Ints,
    indptr_share_stride: int,
    indptr_chunk_stride: int,
    R: Floats,
    R_stride: int,
    shift: Floats,
    has_shift: int,
    W: Floats,
    pixels: int,
    share_width: int,
    item: int,
    tiles: int,
    blocks: int,
    block: int,
    step_state: Ints,
    scratch: Floats,
) -> None:
    """W[o, i] ← W[o, i] − η dW[o, i]        with items and dW as in `gradient`

    The scratch memory has space for dW of a block and T more elements. The contribution of each
    image is not subtracted from W directly: this would save little time, and would round W once per
    image.
    """
    T = VECTORS * LANES
    share, tile, part = item // (blocks * tiles), item // blocks % tiles, item % blocks
    first = share * share_width + part * block
    last = min(first + block, (share + 1) * share_width, pixels)
    sums, G = scratch, at(scratch, T)
    sum_block(
        VECTORS,
        (at(indices, share * share_stride), at(data, share * share_stride), chunk_stride),
        (at(indptr, share * indptr_share_stride + part), indptr_chunk_stride),
        (at(R, tile * LANES * T), R_stride),
        (shift, has_shift),
        at(G, -first * T),
        (first, last, blocks, share_width),
        step_state,
        sums,
    )
    lr, weights = np.float32(as_doubles(step_state)[LR]), at(W, (tile * pixels + first) * T)
    for i in range((last - first) * T):
        weights[i] -= lr * G[i]


@helper
def sum_block(
    VECTORS: Number,
    lists: tuple[Int32s, Floats, int],
    starts_of: tuple[Ints, int],
    rows: tuple[Floats, int],
    normal: tuple[Floats, int],
    G: Floats,
    bounds: tuple[int, int, int, int],
    step_state: Ints,
    sums: Floats,
) -> None:
    """G[i] = Σₙ dY[n] data[n, i] + shift[i] Σₙ dY[n]    for the i of a block, one tile of o

    The pointers are already advanced: the CSR matrix is that of the block's share, indptr begins at
    the block, and R begins at the tile. `sums` is scratch memory of T elements.
    """
    indices, data, chunk_stride = lists
    indptr, indptr_chunk_stride = starts_of
    R, R_stride = rows
    shift, has_shift = normal
    first, last, blocks, share_width = bounds
    literally(VECTORS)
    T = VECTORS * LANES
    fill(at(G, first * T), (last - first) * T, np.float32(0))
    if has_shift:
        fill(sums, T, np.float32(0))
        for n in range(step_state[COUNT]):
            row = at(R, n // LANES * R_stride + n % LANES * T)
            for o in range(T):
                sums[o] += row[o]
        outer_tile(VECTORS, at(G, first * T), T, at(shift, first), last - first, sums)
    for n in range(step_state[COUNT]):
        chunk, lane = n // LANES, n % LANES
        start = at(indptr, chunk * indptr_chunk_stride + lane * (blocks + 1))
        begin = chunk * chunk_stride + lane * (share_width + LANES) + start[0]
        row, count = at(R, chunk * R_stride + lane * T), start[1] - start[0]
        scatter_tile(VECTORS, G, T, at(indices, begin), at(data, begin), count, row)
