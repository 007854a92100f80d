"""Translates the first Dense layer into a sparse product, for images with many zero pixels."""

from __future__ import annotations

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.barriers import Items, tiles
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import (
    Argument,
    Buffer,
    ChunkStride,
    RuntimeIndex,
    View,
)
from handgrad.engines.compiled.lower.dense import (
    add_pixel_shares,
    check_gradient,
    emit_bias_gradient,
    is_small,
    tiling_of,
    transposed_buffer,
    update_parameter,
    updates_without_check,
)
from handgrad.engines.compiled.lower.parameter_layout import Tiling
from handgrad.engines.compiled.lower.values import CsrImages, PixelSplit, Value
from handgrad.layers import Array


def sparse_dense(b: Builder, prefix: str, X: CsrImages, bias: View) -> tuple[Value, Backward]:
    """Emit a linear layer whose input is the images in CSR format.

    Args:
        b: the builder.
        prefix: the prefix of the names of the layer's parameters.
        X: the images.
        bias: the initial value of each sum: the layer's bias plus the constant that normalization
            adds.
    """
    tiling = tiling_of(b, prefix)
    Y = b.value("Y", (tiling.outputs,), requires_grad=True)
    R = transposed_buffer(b, tiling)
    if X.split.shares > 1:
        _forward_by_shares(b, prefix, tiling, X, bias, Y)
    elif is_small(tiling):
        chunk = _chunk_arguments(b, prefix, tiling, X)
        constants = {"VECTORS": tiling.vectors}
        b.per_chunk("sparse.forward_chunk", constants, b=bias, rows=R, Y=Y.buffer, **chunk)
    else:
        _forward_by_tiles(b, prefix, tiling, X, bias, R, Y)
    b.plan.multiply_adds += 2 * tiling.outputs * tiling.inputs

    def backward(dY: Value) -> Value | None:
        emit_bias_gradient(b, prefix, tiling, dY, R)
        if updates_without_check(b, prefix):
            b.plan.notes.append(f"{b.plan.layer}: gradient and update are fused")
            check_gradient(b, R, tiling.tiles * tiling.width * LANES)
            b.updates.append(lambda: _gradient_and_update(b, prefix, tiling, X, R))
        else:
            b.gradients.append(lambda: _gradient(b, prefix, tiling, X, R))
        return None

    return Y, backward


def fold_shift(b: Builder, prefix: str, shift: Array, split: PixelSplit) -> View:
    """For each output, emit the sum of its bias and the constant that normalization adds.

    The sum is the same for all images. If the pixels are split into shares, each share has the
    constant for its own pixels, and only the first share includes the bias.
    """
    tiling = tiling_of(b, prefix)
    size = tiling.tiles * tiling.width
    folded = Buffer(f"{b.plan.layer}: b − (m/s) Wᵀ", split.shares * size, shared=True)
    b.plan.emit(
        tiles(split.shares * tiling.tiles),
        "sparse.fold_shift",
        {"VECTORS": tiling.vectors},
        W=b.parameter(f"{prefix}weight"),
        b=b.zeros(size) if split.shares > 1 else b.parameter(f"{prefix}bias"),
        shift=shift,
        folded=folded,
        pixels=tiling.inputs,
        share_width=split.width,
        item=RuntimeIndex.TILE,
        tiles=tiling.tiles,
    )
    return View(folded, 0, size if split.shares > 1 else 0)


def _chunk_arguments(b: Builder, prefix: str, tiling: Tiling, X: CsrImages) -> dict[str, Argument]:
    """Return the arguments of the forward kernel for one chunk."""
    return {
        "W": b.parameter(f"{prefix}weight"),
        "indices": b.plan.by_share(X.indices),
        "data": b.plan.by_share(X.data),
        "indptr": b.plan.by_share(X.indptr),
        "blocks": X.blocks,
        "share_width": X.split.width,
        "pixels": X.pixels,
        "tiles": tiling.tiles,
    }


def _forward_by_shares(
    b: Builder, prefix: str, tiling: Tiling, X: CsrImages, bias: View, Y: Value
) -> None:
    """Emit the layer's sum over each of the two shares of the pixels, and the total of both."""
    rows = Buffer(f"{b.plan.layer}: scratch", tiling.width * LANES, per_worker=True)
    Y_by_share = Buffer(f"{b.plan.layer}: Y by shares", Y.buffer.size, shares=X.split.shares)
    b.plan.emit(
        Items(Kind.CHUNKS_BY_SHARE, X.split.shares),
        "sparse.forward_chunk",
        {"VECTORS": tiling.vectors},
        b=bias,
        rows=rows,
        Y=b.plan.by_share(Y_by_share),
        **_chunk_arguments(b, prefix, tiling, X),
    )
    add_pixel_shares(b, Y_by_share, b.parameter(f"{prefix}bias"), Y)


def _forward_by_tiles(
    b: Builder, prefix: str, tiling: Tiling, X: CsrImages, bias: View, R: Buffer, Y: Value
) -> None:
    """Emit the layer's sums over the pixels, one tile of outputs at a time."""
    groups = 2 * max(1, round(b.plan.chunks / 8)) if b.plan.chunks > 1 else 1
    b.plan.emit(
        tiles(tiling.tiles * groups),
        "sparse.forward",
        {"VECTORS": tiling.vectors},
        W=b.parameter(f"{prefix}weight"),
        b=bias,
        indices=X.indices,
        data=X.data,
        chunk_stride=ChunkStride(X.indices),
        indptr=X.indptr,
        indptr_chunk_stride=ChunkStride(X.indptr),
        blocks=X.blocks,
        pixels=X.pixels,
        item=RuntimeIndex.TILE,
        groups=groups,
        R=R,
        R_stride=ChunkStride(R),
        Y=Y.buffer,
        Y_stride=ChunkStride(Y.buffer),
    )


def _gradient_arguments(b: Builder, tiling: Tiling, X: CsrImages, R: Buffer) -> dict[str, Argument]:
    """Return the arguments of the gradient kernels, which are the images and dY of all chunks."""
    return {
        "indices": X.indices,
        "data": X.data,
        "share_stride": b.plan.by_share(X.indices).per_tile,
        "chunk_stride": ChunkStride(X.indices),
        "indptr": X.indptr,
        "indptr_share_stride": b.plan.by_share(X.indptr).per_tile,
        "indptr_chunk_stride": ChunkStride(X.indptr),
        "R": R,
        "R_stride": ChunkStride(R),
        "shift": 0 if X.shift is None else X.shift,
        "has_shift": int(X.shift is not None),
        "pixels": X.pixels,
        "share_width": X.split.width,
        "item": RuntimeIndex.TILE,
        "tiles": tiling.tiles,
        "blocks": X.blocks,
        "block": X.block,
    }


def _gradient_and_update(b: Builder, prefix: str, tiling: Tiling, X: CsrImages, R: Buffer) -> None:
    """Emit W ← W − η dW block by block, so that dW of a block stays in the L1 cache."""
    b.plan.emit(
        tiles(X.split.shares * tiling.tiles * X.blocks),
        "sparse.update",
        {"VECTORS": tiling.vectors},
        W=b.parameter(f"{prefix}weight"),
        scratch=Buffer(
            f"{b.plan.layer}: dW of a block", (X.block + 1) * tiling.width, per_worker=True
        ),
        **_gradient_arguments(b, tiling, X, R),
    )


def _gradient(b: Builder, prefix: str, tiling: Tiling, X: CsrImages, R: Buffer) -> None:
    """Emit dW for the whole batch, one block of pixels at a time."""
    items, name = X.split.shares * tiling.tiles * X.blocks, f"{prefix}weight"
    b.plan.emit(
        tiles(items),
        "sparse.gradient",
        {"VECTORS": tiling.vectors},
        dW=b.gradient(name),
        sums=Buffer(f"{b.plan.layer}: Σ dY", tiling.width, per_worker=True),
        norms=b.add_norms(items),
        **_gradient_arguments(b, tiling, X, R),
    )
    if b.is_plain_sgd:
        b.updates.append(lambda: update_parameter(b, name))
