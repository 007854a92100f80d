"""The linear layer, on lanes."""

from __future__ import annotations

import math

from handgrad.engines.compiled.ablation import is_enabled
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.builder import Backward, Builder, even
from handgrad.engines.compiled.lower.parameter_layout import Tiling
from handgrad.engines.compiled.lower.plan import Buffer, Part, Place, Stride
from handgrad.engines.compiled.lower.values import Cut, Value
from handgrad.layers import Dense

_REGISTERS = 24  # how many sums a tile of a product keeps
_SMALL = 49_152  # the numbers of a weight that each worker may have a gradient of its own of


def dense(b: Builder, layer: Dense, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Lay down a linear layer on a value."""
    return dense_on(b, prefix, X, Cut(1, tiling_of(b, prefix).inputs))


def dense_on(b: Builder, prefix: str, X: Value, cut: Cut) -> tuple[Value, Backward]:
    """Lay down a linear layer on a value, or on images whose pixels are cut into shares."""
    tiling = tiling_of(b, prefix)
    O, I, T = tiling.outputs, tiling.inputs, tiling.width
    weight, bias = b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias")
    sizes = {"ROWS": even(min(O, T), _REGISTERS)}
    Y = b.value("Y", (O,), learned=True)
    ends = (Place.TILE, cut.width, I, O, T)
    if cut.shares == 1:
        b.chunks("dense.forward", weight, bias, X.buffer, Y.buffer, *ends, **sizes)
    else:
        parts = Buffer(f"{b.plan.layer}: Y by shares", Y.buffer.size, shares=cut.shares)
        part = b.plan.share(parts)
        arguments = (weight, b.nothing(O), X.buffer, part, *ends)
        b.plan.emit(Kind.SHARES, "dense.forward", *arguments, tiles=cut.shares, **sizes)
        b.chunks("dense.add_shares", parts, part.per_tile, bias, Y.buffer, O)
    b.plan.multiply_adds += O * I * (3 if X.learned else 2)

    def backward(dY: Value) -> Value | None:
        R = rows(b, tiling)
        rows_and_bias(b, prefix, tiling, dY, R)
        if first_at_once(b, prefix):
            judge(b, R, tiling.tiles * tiling.width * LANES)
            b.updates.append(lambda: _update(b, prefix, tiling, X, R))
        else:
            b.gradients.append(lambda: _gradient(b, prefix, tiling, X, R))
        if not X.learned:
            return None
        dX = b.value("dX", X.shape, learned=True)
        arguments = (weight, dY.buffer, dX.buffer, I, O, T)
        b.chunks("dense.backward_input", *arguments, ROWS=even(I, _REGISTERS))
        return dX

    return Y, backward


def tiling_of(b: Builder, prefix: str) -> Tiling:
    """Return how a linear layer's outputs are cut."""
    tiling = b.store.rooms[f"{prefix}weight"].tiling
    assert tiling is not None
    return tiling


def small(tiling: Tiling) -> bool:
    """Say whether a layer's weights fit every core's cache beside all else."""
    is_small = tiling.tiles * tiling.width * tiling.inputs <= _SMALL
    return is_small and is_enabled("split-work")


def first_at_once(b: Builder, prefix: str) -> bool:
    """Say whether a layer is updated without its gradient being looked at before.

    Pixels lie between 0 and 1, so that dW is finite where dY is not too large, and dY is judged
    in its stead.
    """
    first = b.store.rooms[f"{prefix}weight"].offset >= b.store.before_first
    return first and b.plain and b.source.whole


def judge(b: Builder, dY: Buffer, size: int) -> None:
    """Lay down the look at dY that stands for one at dW."""
    norms = b.more_norms(b.plan.chunks)
    b.chunks("sparse.judge_rows", dY, size, Place.CLOCK, Place.CHUNK, norms)


def rows(b: Builder, tiling: Tiling) -> Buffer:
    """Return room for a layer's outputs, or their gradients, in rows of one tile."""
    return Buffer(f"{b.plan.layer}: in rows", tiling.tiles * tiling.width * LANES)


def rows_and_bias(b: Builder, prefix: str, tiling: Tiling, dY: Value, R: Buffer) -> None:
    """Lay down dY turned into rows, and db."""
    b.chunks("dense.rows_of_gradient", dY.buffer, R, tiling.outputs, tiling.width)
    db = b.gradient(f"{prefix}bias")
    b.chunks("dense.bias_gradient", R, db, tiling.outputs, tiling.width)


def descend(b: Builder, name: str, size: int) -> None:
    """Lay down W ← W − η dW of one array, after all gradients were judged."""
    pieces = math.gcd(size, 4)
    count, offset = size // pieces, b.store.rooms[name].offset
    W, dW = Part(b.store.W, offset, count), Part(b.store.dW, offset, count)
    arguments = (W, dW, count, Place.CLOCK, 0.0, b.spoilt)
    b.plan.emit(Kind.TILES, "optim.sgd", *arguments, tiles=pieces)


def _blocks(tiling: Tiling) -> int:
    """Return into how many blocks of about 64 the inputs are cut."""
    return max(1, tiling.inputs // 64)


def _product(
    b: Builder, tiling: Tiling, X: Value, R: Buffer, dW: Part, shares: int, norms: Part | Buffer
) -> None:
    """Lay down dW for the whole batch, block by block."""
    blocks = _blocks(tiling)
    b.plan.emit(
        Kind.HALVES if shares > 1 else Kind.TILES,
        "dense.gradient",
        *(X.buffer, Stride(X.buffer), R, Stride(R), dW, tiling.inputs, tiling.width),
        *(Place.TILE, tiling.tiles, blocks, shares, Place.CLOCK),
        norms,
        tiles=shares * tiling.tiles * blocks,
        ROWS=_REGISTERS // tiling.vectors,
        COLUMNS=tiling.vectors,
    )


def _update(b: Builder, prefix: str, tiling: Tiling, X: Value, R: Buffer) -> None:
    """Lay down dW and W ← W − η dW, block by block: each is still in the cache."""
    offset, items = b.store.rooms[f"{prefix}weight"].offset, tiling.tiles * _blocks(tiling)
    dW = Part(b.store.dW, offset)
    _product(b, tiling, X, R, dW, 1, Buffer("squares", items, single=True))
    sizes = (tiling.inputs, tiling.width, Place.TILE, tiling.tiles, _blocks(tiling))
    arguments = (b.parameter(f"{prefix}weight"), dW, *sizes, Place.CLOCK, b.spoilt)
    b.plan.emit(Kind.TILES, "dense.descend", *arguments, tiles=items)


def _gradient(b: Builder, prefix: str, tiling: Tiling, X: Value, R: Buffer) -> None:
    """Lay down dW for the whole batch, for the update to be made from it later.

    The weights of a small layer fit every core's cache, so that each worker goes all the way with
    its own half of the images, and only the two gradients have to be brought together.
    """
    name, items = f"{prefix}weight", tiling.tiles * _blocks(tiling)
    size = tiling.tiles * tiling.width * tiling.inputs
    offset = b.store.rooms[name].offset
    if not small(tiling) or b.plan.chunks == 1:
        _product(b, tiling, X, R, Part(b.store.dW, offset), 1, b.more_norms(items))
        if b.plain:
            b.updates.append(lambda: descend(b, name, size))
        return
    halves = Buffer(f"{b.plan.layer}: dW by halves", 2 * size, single=True)
    pieces = math.gcd(tiling.inputs, 4)
    count = size // pieces
    part = Part(halves, 0, count)
    if b.plain:
        W = (Part(b.store.W, offset, count), part, size, count, Place.CLOCK, b.spoilt)
        b.updates.append(lambda: b.plan.emit(Kind.TILES, "optim.sgd_by_shares", *W, tiles=pieces))
        squares: Part | Buffer = b.more_norms(2 * items)
    else:
        norms = b.more_norms(pieces)
        sums = (part, size, Part(b.store.dW, offset, count), count, norms, Place.TILE)
        b.sums.append(lambda: b.plan.emit(Kind.TILES, "optim.add_shares", *sums, tiles=pieces))
        squares = Buffer(f"{b.plan.layer}: squares by halves", 2 * items, single=True)
    _product(b, tiling, X, R, Part(halves), 2, squares)
