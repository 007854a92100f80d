"""The linear layer on images most of whose pixels are zero."""

from __future__ import annotations

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.dense import (
    descend,
    first_at_once,
    judge,
    rows,
    rows_and_bias,
    small,
    tiling_of,
)
from handgrad.engines.compiled.lower.parameter_layout import Tiling
from handgrad.engines.compiled.lower.plan import Argument, Buffer, Part, Place, Stride
from handgrad.engines.compiled.lower.values import Cut, Lists, Value
from handgrad.layers import Array


def dense_on_lists(b: Builder, prefix: str, X: Lists, bias: Part) -> tuple[Value, Backward]:
    """Lay down a linear layer on images as lists; `bias` is what its sums begin with."""
    tiling = tiling_of(b, prefix)
    Y = b.value("Y", (tiling.outputs,), learned=True)
    R = rows(b, tiling)
    if X.cut.shares > 1:
        _forward_by_shares(b, prefix, tiling, X, bias, R, Y)
    elif small(tiling):
        arguments = (*_of_a_chunk(b, prefix, tiling, X, bias, R), Y.buffer)
        b.chunks("sparse.forward_chunk", *arguments, VECTORS=tiling.vectors)
    else:
        _forward_by_tiles(b, prefix, tiling, X, bias, R, Y)
    b.plan.multiply_adds += 2 * tiling.outputs * tiling.inputs

    def backward(dY: Value) -> Value | None:
        rows_and_bias(b, prefix, tiling, dY, R)
        if first_at_once(b, prefix):
            b.plan.notes.append(f"{b.plan.layer}: gradient and update in one")
            judge(b, R, tiling.tiles * tiling.width * LANES)
            b.updates.append(lambda: _update(b, prefix, tiling, X, R))
        else:
            b.gradients.append(lambda: _gradient(b, prefix, tiling, X, R))
        return None

    return Y, backward


def fold_shift(b: Builder, prefix: str, shift: Array, cut: Cut) -> Part:
    """Lay down the bias less what normalising takes from every output, once for all images.

    Where the pixels are cut, each share of them takes its own part, and the first has the bias.
    """
    tiling = tiling_of(b, prefix)
    size = tiling.tiles * tiling.width
    folded = Buffer(f"{b.plan.layer}: b − (m/s) Wᵀ", cut.shares * size, single=True)
    bias = b.nothing(size) if cut.shares > 1 else b.parameter(f"{prefix}bias")
    b.plan.emit(
        Kind.TILES,
        "sparse.fold_shift",
        *(b.parameter(f"{prefix}weight"), bias, shift, folded, tiling.inputs, cut.width),
        *(Place.TILE, tiling.tiles),
        tiles=cut.shares * tiling.tiles,
        VECTORS=tiling.vectors,
    )
    return Part(folded, 0, size if cut.shares > 1 else 0)


def _of_a_chunk(
    b: Builder, prefix: str, tiling: Tiling, X: Lists, bias: Part, R: Buffer
) -> tuple[Argument, ...]:
    """Return what the forward kernel of one chunk takes, but for where its sums go."""
    parts = [b.plan.share(buffer) for buffer in (X.places, X.values, X.starts)]
    sizes = (X.blocks, X.cut.width, X.size)
    return (
        b.parameter(f"{prefix}weight"),
        bias,
        *parts,
        *sizes,
        tiling.tiles,
        Place.CLOCK,
        Place.CHUNK,
        R,
    )


def _forward_by_shares(
    b: Builder, prefix: str, tiling: Tiling, X: Lists, bias: Part, R: Buffer, Y: Value
) -> None:
    """Lay down the sums of each share of the pixels, and their sum."""
    room = Buffer(f"{b.plan.layer}: room for rows", tiling.width * LANES)
    parts = Buffer(f"{b.plan.layer}: Y by shares", Y.buffer.size, shares=X.cut.shares)
    part = b.plan.share(parts)
    arguments = (*_of_a_chunk(b, prefix, tiling, X, bias, room), part)
    sizes = {"VECTORS": tiling.vectors}
    b.plan.emit(Kind.SHARES, "sparse.forward_chunk", *arguments, tiles=X.cut.shares, **sizes)
    whole = b.parameter(f"{prefix}bias")
    b.chunks("dense.add_shares", parts, part.per_tile, whole, Y.buffer, tiling.outputs)


def _forward_by_tiles(
    b: Builder, prefix: str, tiling: Tiling, X: Lists, bias: Part, R: Buffer, Y: Value
) -> None:
    """Lay down the sums tile by tile of the outputs."""
    groups = 2 * max(1, round(b.plan.chunks / 8)) if b.plan.chunks > 1 else 1
    b.plan.emit(
        Kind.TILES,
        "sparse.forward",
        *(b.parameter(f"{prefix}weight"), bias, X.places, X.values, Stride(X.places)),
        *(X.starts, Stride(X.starts), X.blocks, X.size, Place.TILE, groups, Place.CLOCK),
        *(R, Stride(R), Y.buffer, Stride(Y.buffer)),
        tiles=tiling.tiles * groups,
        VECTORS=tiling.vectors,
    )


def _of_all_chunks(b: Builder, X: Lists, R: Buffer) -> tuple[Argument, ...]:
    """Return the lists of all chunks and dY in rows, and what normalising takes from pixels."""
    return (
        *(X.places, X.values, b.plan.share(X.places).per_tile, Stride(X.places)),
        *(X.starts, b.plan.share(X.starts).per_tile, Stride(X.starts), R, Stride(R)),
        *((0, 0) if X.shift is None else (X.shift, 1)),
    )


def _update(b: Builder, prefix: str, tiling: Tiling, X: Lists, R: Buffer) -> None:
    """Lay down W ← W − η dW, block by block: dW of a block stays in the first cache."""
    b.plan.emit(
        Kind.TILES,
        "sparse.update",
        *_of_all_chunks(b, X, R),
        *(b.parameter(f"{prefix}weight"), X.size, X.cut.width, Place.TILE, tiling.tiles),
        *(X.blocks, X.block, Place.CLOCK),
        Buffer(f"{b.plan.layer}: dW of a block", (X.block + 1) * tiling.width),
        tiles=X.cut.shares * tiling.tiles * X.blocks,
        VECTORS=tiling.vectors,
    )


def _gradient(b: Builder, prefix: str, tiling: Tiling, X: Lists, R: Buffer) -> None:
    """Lay down dW for the whole batch, in the lists' blocks."""
    items, name = X.cut.shares * tiling.tiles * X.blocks, f"{prefix}weight"
    b.plan.emit(
        Kind.TILES,
        "sparse.gradient",
        *_of_all_chunks(b, X, R),
        *(Part(b.store.dW, b.store.rooms[name].offset), X.size, X.cut.width, Place.TILE),
        *(tiling.tiles, X.blocks, X.block, Place.CLOCK),
        Buffer(f"{b.plan.layer}: Σ dY", tiling.width),
        b.more_norms(items),
        tiles=items,
        VECTORS=tiling.vectors,
    )
    if b.plain:
        b.updates.append(lambda: descend(b, name, b.store.rooms[name].size))
