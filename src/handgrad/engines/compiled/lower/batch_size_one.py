"""Translates Dense into kernel calls for batches of one image, which need no lanes."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.barriers import tiles
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Argument, Buffer, RuntimeIndex, View
from handgrad.engines.compiled.lower.dense import check_gradient, tiling_of, update_parameter
from handgrad.engines.compiled.lower.values import CsrImages, Value
from handgrad.layers import Dense


def dense(b: Builder, layer: Dense, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Emit a linear layer for a single image."""
    tiling, name = tiling_of(b, prefix), f"{prefix}weight"
    O, I, constants = tiling.outputs, tiling.inputs, {"VECTORS": tiling.vectors}
    sizes = {"inputs": I, "tiles": tiling.tiles}
    weight, bias = b.parameter(name), b.parameter(f"{prefix}bias")
    indices = np.arange(max(I, LANES), dtype=np.int32)
    Y = b.value("Y", (O,), requires_grad=True)
    b.per_chunk(
        "batch_size_one.forward",
        constants,
        W=weight,
        b=bias,
        X=X.buffer,
        Y=Y.buffer,
        indices=indices,
        **sizes,
    )
    b.plan.multiply_adds += O * I * 3

    def backward(dY: Value) -> Value | None:
        db = b.chunk_gradient(f"{prefix}bias")
        b.per_chunk("chain.copy", X=dY.buffer, Y=db, count=O)
        b.per_chunk(
            "batch_size_one.gradient",
            constants,
            X=X.buffer,
            dY=dY.buffer,
            dW=b.gradient(name),
            norms=b.add_norms(1),
            **sizes,
        )
        b.updates.append(lambda: update_parameter(b, name))
        dX = b.value("dX", X.shape, requires_grad=True)
        b.per_chunk(
            "batch_size_one.backward_input",
            constants,
            W=weight,
            dY=dY.buffer,
            dX=dX.buffer,
            outputs=O,
            indices=indices,
            scratch=Buffer("scratch for 16 rows", LANES * LANES, per_worker=True),
            **sizes,
        )
        return dX

    return Y, backward


def sparse_dense(b: Builder, prefix: str, X: CsrImages, bias: View) -> tuple[Value, Backward]:
    """Emit a linear layer for a single image in CSR format."""
    tiling = tiling_of(b, prefix)
    image: dict[str, Argument] = {
        **{"indices": X.indices, "data": X.data, "indptr": X.indptr, "blocks": X.blocks},
        **{"W": b.parameter(f"{prefix}weight"), "inputs": X.pixels, "tile": RuntimeIndex.TILE},
    }
    items, constants = tiles(tiling.tiles), {"VECTORS": tiling.vectors}
    Y = b.value("Y", (tiling.outputs,), requires_grad=True)
    b.plan.emit(items, "batch_size_one.forward_csr", constants, b=bias, Y=Y.buffer, **image)
    b.plan.multiply_adds += 2 * tiling.outputs * tiling.inputs
    b.plan.notes.append(f"{b.plan.layer}: gradient and update are fused")

    def backward(dY: Value) -> Value | None:
        db = b.chunk_gradient(f"{prefix}bias")
        b.per_chunk("chain.copy", X=dY.buffer, Y=db, count=tiling.outputs)
        check_gradient(b, dY.buffer, tiling.tiles * tiling.width)
        step = Buffer(f"{b.plan.layer}: −η dY", tiling.width, per_worker=True)
        b.updates.append(
            lambda: b.plan.emit(
                items,
                "batch_size_one.update_csr",
                constants,
                dY=dY.buffer,
                shift=0 if X.shift is None else X.shift,
                has_shift=int(X.shift is not None),
                step=step,
                **image,
            )
        )
        return None

    return Y, backward
