"""The linear layer, on lanes and on lists."""

from __future__ import annotations

import math

from handgrad.engines.compiled.builder import Backward, Builder, even, multiples
from handgrad.engines.compiled.lanes import LANES
from handgrad.engines.compiled.plan import Buffer, Kind, Part, Place, Stride
from handgrad.engines.compiled.store import Tiling
from handgrad.engines.compiled.values import Lists, Value
from handgrad.layers import Array, Dense

_REGISTERS = 24  # how many sums a tile of a product keeps
_SMALL = 49_152  # the numbers of a weight that each worker may have a gradient of its own of


def dense(b: Builder, layer: Dense, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Lay down a linear layer on a value."""
    tiling = tiling_of(b, prefix)
    O, I, T = tiling.outputs, tiling.inputs, tiling.width
    weight, bias = b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias")
    line = multiples(LANES, max(I, T))
    Y = b.value("Y", (O,), learned=True)
    rows = even(min(O, T), _REGISTERS)
    b.chunks("dense.forward", weight, bias, X.buffer, Y.buffer, I, O, T, line, ROWS=rows)
    b.plan.multiply_adds += O * I * (3 if X.learned else 2)

    def backward(dY: Value) -> Value | None:
        R = _rows(b, tiling)
        _rows_and_bias(b, prefix, tiling, dY, R)
        if updates_at_once(b, prefix) and _shares(b, tiling) > 1:
            judge(b, R, tiling.tiles * tiling.width * LANES)
        b.gradients.append(lambda: _gradient(b, prefix, tiling, X, R))
        if not X.learned:
            return None
        dX = b.value("dX", X.shape, learned=True)
        rows = even(I, _REGISTERS)
        b.chunks("dense.backward_input", weight, dY.buffer, dX.buffer, I, O, T, line, ROWS=rows)
        return dX

    return Y, backward


def dense_on_lists(b: Builder, prefix: str, X: Lists) -> tuple[Value, Backward]:
    """Lay down a linear layer on pictures as lists."""
    tiling = tiling_of(b, prefix)
    Y = b.value("Y", (tiling.outputs,), learned=True)
    R = _rows(b, tiling)
    weight = b.parameter(f"{prefix}weight")
    shared = _shares(b, tiling) > 1
    if shared:
        b.chunks(
            "sparse.forward_chunk",
            *(weight, X.bias, X.places, X.values, X.starts, X.blocks, X.size, tiling.tiles),
            *(Place.CLOCK, Place.CHUNK, R, Y.buffer),
            VECTORS=tiling.vectors,
        )
    else:
        groups = 2 * max(1, round(b.plan.chunks / 8)) if b.plan.chunks > 1 else 1
        b.plan.emit(
            Kind.TILES,
            "sparse.forward",
            *(weight, X.bias, X.places, X.values, Stride(X.places)),
            *(X.starts, X.blocks, X.size, Place.TILE, groups, Place.CLOCK),
            *(R, Stride(R), Y.buffer, Stride(Y.buffer)),
            tiles=tiling.tiles * groups,
            VECTORS=tiling.vectors,
        )
    b.plan.multiply_adds += 2 * tiling.outputs * tiling.inputs

    def backward(dY: Value) -> Value | None:
        _rows_and_bias(b, prefix, tiling, dY, R)
        if updates_at_once(b, prefix):
            judge(b, R, tiling.tiles * tiling.width * LANES)
            if not shared:
                _update_on_lists(b, prefix, tiling, X, R)
                return None
        b.gradients.append(lambda: _gradient_on_lists(b, prefix, tiling, X, R))
        return None

    return Y, backward


def fold_shift(b: Builder, prefix: str, shift: Array) -> Part:
    """Lay down the bias less what normalising takes from every output, once for all pictures."""
    tiling = tiling_of(b, prefix)
    folded = Buffer(f"{b.plan.layer}: b − (m/s) Wᵀ", tiling.tiles * tiling.width, single=True)
    b.plan.emit(
        Kind.TILES,
        "sparse.fold_shift",
        *(b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias"), shift, folded),
        *(tiling.inputs, Place.TILE, multiples(tiling.width, tiling.inputs)),
        tiles=tiling.tiles,
        VECTORS=tiling.vectors,
    )
    return Part(folded)


def tiling_of(b: Builder, prefix: str) -> Tiling:
    """Return how a linear layer's outputs are cut."""
    tiling = b.store.rooms[f"{prefix}weight"].tiling
    assert tiling is not None
    return tiling


def _rows(b: Builder, tiling: Tiling) -> Buffer:
    """Return room for a layer's outputs, or their gradients, in rows of one tile."""
    return Buffer(f"{b.plan.layer}: in rows", tiling.tiles * tiling.width * LANES)


def _shares(b: Builder, tiling: Tiling) -> int:
    """Return into how many shares of the batch a weight's gradient is cut: always the same number.

    The weights of a small layer fit every core's cache, so that each worker goes all the way with
    its own pictures, and only the two gradients have to be brought together.
    """
    size = tiling.tiles * tiling.width * tiling.inputs
    return 2 if size <= _SMALL and b.plan.chunks > 1 else 1


def _target(
    b: Builder, prefix: str, tiling: Tiling, shares: int, items: int
) -> tuple[Part, Part | Buffer | int]:
    """Return where dW goes, and where the sums of its squares go.

    Where it is made in shares, lay down what brings them together: the update itself where that is
    all there is to it, or else their sum.
    """
    weight = b.store.rooms[f"{prefix}weight"].offset
    if shares == 1:
        return Part(b.store.dW, weight), b.more_norms(items)
    size = tiling.tiles * tiling.width * tiling.inputs
    halves = Buffer(f"{b.plan.layer}: dW by halves", 2 * size, single=True)
    pieces = math.gcd(tiling.inputs, 4)
    count = size // pieces
    part = Part(halves, 0, count)

    def lay_sum() -> None:
        sums = (part, size, Part(b.store.dW, weight, count), count, norms, Place.TILE)
        b.plan.emit(Kind.TILES, "optim.add_shares", *sums, tiles=pieces)

    def lay_update() -> None:
        W = Part(b.store.W, weight, count)
        arguments = (W, part, size, count, Place.CLOCK, b.spoilt)
        b.plan.emit(Kind.TILES, "optim.sgd_by_shares", *arguments, tiles=pieces)

    if updates_at_once(b, prefix):
        b.updates.append(lay_update)
        return Part(halves), 0
    norms = b.more_norms(pieces)
    b.sums.append(lay_sum)
    return Part(halves), 0


def updates_at_once(b: Builder, prefix: str) -> bool:
    """Say whether a layer's update is made without its gradient being looked at before.

    Pixels lie between 0 and 1, so that dW is finite where dY is not too large, and dY is judged
    in its stead.
    """
    first = b.store.rooms[f"{prefix}weight"].offset >= b.store.before_first
    return first and b.plain and b.source.whole


def judge(b: Builder, dY: Buffer, size: int) -> None:
    """Lay down the look at dY that stands for one at dW."""
    norms = b.more_norms(b.plan.chunks)
    b.chunks("sparse.judge_rows", dY, size, Place.CLOCK, Place.CHUNK, norms)


def _rows_and_bias(b: Builder, prefix: str, tiling: Tiling, dY: Value, R: Buffer) -> None:
    """Lay down dY turned into rows, and db."""
    b.chunks("dense.rows_of_gradient", dY.buffer, R, tiling.outputs, tiling.width)
    db = b.gradient(f"{prefix}bias")
    b.chunks("dense.bias_gradient", R, db, tiling.outputs, tiling.width)


def _gradient(b: Builder, prefix: str, tiling: Tiling, X: Value, R: Buffer) -> None:
    """Lay down dW for the whole batch, in blocks of about 64 inputs."""
    blocks, shares = max(1, tiling.inputs // 64), _shares(b, tiling)
    items = shares * tiling.tiles * blocks
    dW, norms = _target(b, prefix, tiling, shares, items)
    b.plan.emit(
        Kind.HALVES if shares > 1 else Kind.TILES,
        "dense.gradient",
        *(X.buffer, Stride(X.buffer), R, Stride(R), dW, tiling.inputs, tiling.width),
        *(Place.TILE, tiling.tiles, blocks, shares, Place.CLOCK),
        *(multiples(tiling.width, LANES), norms),
        tiles=items,
        ROWS=_REGISTERS // tiling.vectors,
        COLUMNS=tiling.vectors,
    )


def _update_on_lists(b: Builder, prefix: str, tiling: Tiling, X: Lists, R: Buffer) -> None:
    """Lay down W ← W − η dW without dW itself: only the weights of pixels that are not zero."""
    b.plan.notes.append(f"{b.plan.layer}: gradient and update in one")
    sums = Buffer(f"{b.plan.layer}: −η dY", 2 * tiling.width)
    arguments = (
        *(X.places, X.values, Stride(X.places), X.starts, R, Stride(R)),
        *((0, 0) if X.shift is None else (X.shift, 1)),
        *(b.parameter(f"{prefix}weight"), X.size, Place.TILE, X.blocks, X.block),
        *(Place.CLOCK, sums),
    )

    def lay() -> None:
        tiles, sizes = tiling.tiles * X.blocks, {"VECTORS": tiling.vectors}
        b.plan.emit(Kind.TILES, "sparse.update", *arguments, tiles=tiles, **sizes)

    b.updates.append(lay)


def _gradient_on_lists(b: Builder, prefix: str, tiling: Tiling, X: Lists, R: Buffer) -> None:
    """Lay down dW for the whole batch, in the lists' blocks."""
    shares = _shares(b, tiling)
    items = shares * tiling.tiles * X.blocks
    dW, norms = _target(b, prefix, tiling, shares, items)
    sums = Buffer(f"{b.plan.layer}: Σ dY", tiling.width)
    b.plan.emit(
        Kind.HALVES if shares > 1 else Kind.TILES,
        "sparse.gradient",
        *(X.places, X.values, Stride(X.places), X.starts, R, Stride(R)),
        *((0, 0) if X.shift is None else (X.shift, 1)),
        *(dW, X.size, Place.TILE, tiling.tiles, X.blocks, X.block, shares, Place.CLOCK),
        *(sums, norms),
        tiles=items,
        VECTORS=tiling.vectors,
    )
