"""Translates Dense into kernel calls for batches: forward, backward and update.

A weight gradient is computed for the whole batch at once, after all chunks have been processed. For
small layers, the gradient is summed separately over the two halves of the batch, so that each of
two workers uses only its own chunks.
"""

from __future__ import annotations

import math

from handgrad.engines.compiled.ablation import is_enabled
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.barriers import Items, tiles
from handgrad.engines.compiled.lower.builder import Backward, Builder, even
from handgrad.engines.compiled.lower.calls import Argument, Buffer, ChunkStride, RuntimeIndex, View
from handgrad.engines.compiled.lower.parameter_layout import Tiling
from handgrad.engines.compiled.lower.values import PixelSplit, Value
from handgrad.layers import Dense

_REGISTERS = 24  # sums that a tile of a matrix product keeps in registers
_SMALL = 49_152  # weights of a layer for which each half of the batch gets its own gradient


def dense(b: Builder, layer: Dense, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Emit a linear layer."""
    return dense_on_pixels(b, prefix, X, PixelSplit(1, tiling_of(b, prefix).inputs))


def dense_on_pixels(b: Builder, prefix: str, X: Value, split: PixelSplit) -> tuple[Value, Backward]:
    """Emit a linear layer whose input pixels may be split into shares (contiguous ranges)."""
    tiling = tiling_of(b, prefix)
    O, I, T = tiling.outputs, tiling.inputs, tiling.width
    weight, bias = b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias")
    constants = {"ROWS": even(min(O, T), _REGISTERS)}
    Y = b.value("Y", (O,), requires_grad=True)
    sizes = {"share_width": split.width, "inputs": I, "outputs": O, "T": T}
    arguments: dict[str, Argument] = {
        **{"W": weight, "X": X.buffer, "share": RuntimeIndex.TILE},
        **sizes,
    }
    if split.shares == 1:
        b.per_chunk("dense.forward", constants, b=bias, Y=Y.buffer, **arguments)
    else:
        Y_by_share = Buffer(f"{b.plan.layer}: Y by shares", Y.buffer.size, shares=split.shares)
        part = b.plan.by_share(Y_by_share)
        items = Items(Kind.CHUNKS_BY_SHARE, split.shares)
        b.plan.emit(items, "dense.forward", constants, b=b.zeros(O), Y=part, **arguments)
        add_pixel_shares(b, Y_by_share, bias, Y)
    b.plan.multiply_adds += O * I * (3 if X.requires_grad else 2)

    def backward(dY: Value) -> Value | None:
        R = transposed_buffer(b, tiling)
        emit_bias_gradient(b, prefix, tiling, dY, R)
        if updates_without_check(b, prefix):
            check_gradient(b, R, tiling.tiles * tiling.width * LANES)
            b.updates.append(lambda: _gradient_and_update(b, prefix, tiling, X, R))
        else:
            b.gradients.append(lambda: _gradient(b, prefix, tiling, X, R))
        if not X.requires_grad:
            return None
        dX = b.value("dX", X.shape, requires_grad=True)
        b.per_chunk(
            "dense.backward_input",
            {"ROWS": even(I, _REGISTERS)},
            W=weight,
            dY=dY.buffer,
            dX=dX.buffer,
            inputs=I,
            outputs=O,
            T=T,
        )
        return dX

    return Y, backward


def tiling_of(b: Builder, prefix: str) -> Tiling:
    """Return the tiling of the weights of a linear layer."""
    tiling = b.layout.slots[f"{prefix}weight"].tiling
    assert tiling is not None
    return tiling


def is_small(tiling: Tiling) -> bool:
    """Return whether a layer's weights and its other data together fit into a core's cache."""
    return tiling.size <= _SMALL and is_enabled("split-work")


def updates_without_check(b: Builder, prefix: str) -> bool:
    """Return whether a single kernel computes a layer's gradient and applies it.

    Pixels are between 0 and 1, so dW is finite if dY is not too large. Therefore, if dY is checked,
    dW need not be checked.
    """
    reads_images = b.layout.slots[f"{prefix}weight"].offset >= b.layout.first_weight
    return reads_images and b.is_plain_sgd and b.input_format.is_uint8


def add_pixel_shares(b: Builder, Y_by_share: Buffer, bias: View, Y: Value) -> None:
    """Emit the addition of the layer's results for the two shares of the pixels."""
    b.per_chunk(
        "dense.add_pixel_shares",
        Y_by_share=Y_by_share,
        share_stride=b.plan.by_share(Y_by_share).per_tile,
        b=bias,
        Y=Y.buffer,
        outputs=Y.features,
    )


def check_gradient(b: Builder, R: Buffer, size: int) -> None:
    """Emit a check that dY is finite, which replaces a check of dW."""
    norms = b.add_norms(b.plan.chunks)
    b.per_chunk("step.squared_norm", R=R, size=size, norms=norms)


def transposed_buffer(b: Builder, tiling: Tiling) -> Buffer:
    """Return a buffer for a layer's outputs or their gradients, transposed tile by tile."""
    return Buffer(f"{b.plan.layer}: transposed", tiling.tiles * tiling.width * LANES)


def emit_bias_gradient(b: Builder, prefix: str, tiling: Tiling, dY: Value, R: Buffer) -> None:
    """Emit the transposition of dY to R, and the bias gradient db."""
    sizes = {"outputs": tiling.outputs, "T": tiling.width}
    b.per_chunk("dense.transpose_gradient", dY=dY.buffer, R=R, **sizes)
    b.per_chunk("dense.bias_gradient", R=R, db=b.chunk_gradient(f"{prefix}bias"), **sizes)


def update_parameter(b: Builder, name: str) -> None:
    """Emit W ← W − η dW for one parameter, to run after all gradients are checked."""
    slot = b.layout.slots[name]
    pieces = math.gcd(slot.size, 4)
    count = slot.size // pieces
    b.plan.emit(
        tiles(pieces),
        "optim.sgd",
        W=View(b.layout.W, slot.offset, count),
        dW=View(b.layout.dW, slot.offset, count),
        count=count,
        decay=0.0,
        nonfinite=b.nonfinite,
    )


def _blocks(tiling: Tiling) -> int:
    """Return the number of blocks of about 64 inputs."""
    return max(1, tiling.inputs // 64)


def _matrix_product(
    b: Builder, tiling: Tiling, X: Value, R: Buffer, dW: View, halves: int, norms: View | Buffer
) -> None:
    """Emit dW for the whole batch, or for each half of the batch, block by block."""
    blocks = _blocks(tiling)
    count = halves * tiling.tiles * blocks
    b.plan.emit(
        Items(Kind.TILES_BY_HALF, count) if halves > 1 else tiles(count),
        "dense.gradient",
        {"ROWS": _REGISTERS // tiling.vectors, "COLUMNS": tiling.vectors},
        X=X.buffer,
        X_stride=ChunkStride(X.buffer),
        R=R,
        R_stride=ChunkStride(R),
        dW=dW,
        inputs=tiling.inputs,
        T=tiling.width,
        item=RuntimeIndex.TILE,
        tiles=tiling.tiles,
        blocks=blocks,
        halves=halves,
        norms=norms,
    )


def _gradient_and_update(b: Builder, prefix: str, tiling: Tiling, X: Value, R: Buffer) -> None:
    """Emit dW and W ← W − η dW block by block, so that dW is still in the cache for the update."""
    name, items = f"{prefix}weight", tiling.tiles * _blocks(tiling)
    squares = Buffer(f"{b.plan.layer}: sums of squares", items, shared=True)
    _matrix_product(b, tiling, X, R, b.gradient(name), 1, squares)
    b.plan.emit(
        tiles(items),
        "dense.sgd",
        W=b.parameter(name),
        dW=b.gradient(name),
        inputs=tiling.inputs,
        T=tiling.width,
        item=RuntimeIndex.TILE,
        tiles=tiling.tiles,
        blocks=_blocks(tiling),
        nonfinite=b.nonfinite,
    )


def _gradient(b: Builder, prefix: str, tiling: Tiling, X: Value, R: Buffer) -> None:
    """Emit dW for the whole batch, and defer the update.

    If the layer is small, each worker sums over its own half of the images, so the workers exchange
    only the two sums.
    """
    name, items = f"{prefix}weight", tiling.tiles * _blocks(tiling)
    if not is_small(tiling) or b.plan.chunks == 1:
        _matrix_product(b, tiling, X, R, b.gradient(name), 1, b.add_norms(items))
        if b.is_plain_sgd:
            b.updates.append(lambda: update_parameter(b, name))
        return
    size, offset = tiling.size, b.layout.slots[name].offset
    halves = Buffer(f"{b.plan.layer}: dW by halves", 2 * size, shared=True)
    pieces = math.gcd(tiling.inputs, 4)
    count = size // pieces
    both: dict[str, Argument] = {
        "halves": View(halves, 0, count, 2 * size),
        "size": size,
        "count": count,
    }
    if b.is_plain_sgd:
        b.updates.append(
            lambda: b.plan.emit(
                tiles(pieces),
                "optim.sgd_by_halves",
                W=View(b.layout.W, offset, count),
                nonfinite=b.nonfinite,
                **both,
            )
        )
        squares: View | Buffer = b.add_norms(2 * items)
    else:
        norms = b.add_norms(pieces)
        b.gradient_sums.append(
            lambda: b.plan.emit(
                tiles(pieces),
                "optim.add_halves",
                dW=View(b.layout.dW, offset, count),
                norms=norms,
                item=RuntimeIndex.TILE,
                **both,
            )
        )
        squares = Buffer(f"{b.plan.layer}: sums of squares by halves", 2 * items, shared=True)
    _matrix_product(b, tiling, X, R, View(halves), 2, squares)
