"""The linear layer for one image at a time, without lanes."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.dense import descend, judge, tiling_of
from handgrad.engines.compiled.lower.plan import Buffer, Part, Place
from handgrad.engines.compiled.lower.values import Lists, Value
from handgrad.layers import Dense


def dense(b: Builder, layer: Dense, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Lay down a linear layer on a value."""
    tiling = tiling_of(b, prefix)
    O, I, tiles, sizes = tiling.outputs, tiling.inputs, tiling.tiles, {"VECTORS": tiling.vectors}
    weight, bias = b.parameter(f"{prefix}weight"), b.parameter(f"{prefix}bias")
    places = np.arange(max(I, LANES), dtype=np.int32)
    Y = b.value("Y", (O,), learned=True)
    b.chunks("batch_size_one.forward", weight, bias, X.buffer, Y.buffer, I, tiles, places, **sizes)
    b.plan.multiply_adds += O * I * 3

    def backward(dY: Value) -> Value | None:
        b.chunks("chain.copy", dY.buffer, b.gradient(f"{prefix}bias"), O)
        dW = Part(b.store.dW, b.store.rooms[f"{prefix}weight"].offset)
        norms = b.more_norms(1)
        b.chunks("batch_size_one.gradient", X.buffer, dY.buffer, dW, I, tiles, norms, **sizes)
        name = f"{prefix}weight"
        b.updates.append(lambda: descend(b, name, b.store.rooms[name].size))
        dX, room = b.value("dX", X.shape, learned=True), Buffer("room for 16 rows", LANES * LANES)
        arguments = (weight, dY.buffer, dX.buffer, I, O, tiles, places, room)
        b.chunks("batch_size_one.backward_input", *arguments, **sizes)
        return dX

    return Y, backward


def dense_on_list(b: Builder, prefix: str, X: Lists, bias: Part) -> tuple[Value, Backward]:
    """Lay down a linear layer on an image as a list."""
    tiling = tiling_of(b, prefix)
    tiles, sizes = tiling.tiles, {"VECTORS": tiling.vectors}
    weight, entries = b.parameter(f"{prefix}weight"), (X.places, X.values, X.starts, X.blocks)
    Y = b.value("Y", (tiling.outputs,), learned=True)
    forward = (weight, bias, *entries, X.size, Place.TILE, Y.buffer)
    b.plan.emit(Kind.TILES, "batch_size_one.forward_on_list", *forward, tiles=tiles, **sizes)
    b.plan.multiply_adds += 2 * tiling.outputs * tiling.inputs
    b.plan.notes.append(f"{b.plan.layer}: gradient and update in one")

    def backward(dY: Value) -> Value | None:
        b.chunks("chain.copy", dY.buffer, b.gradient(f"{prefix}bias"), tiling.outputs)
        judge(b, dY.buffer, tiling.tiles * tiling.width)
        shift = (0, 0) if X.shift is None else (X.shift, 1)
        step = Buffer(f"{b.plan.layer}: −η dY", tiling.width)
        update = (*entries, dY.buffer, *shift, weight, X.size, Place.TILE, Place.CLOCK, step)
        b.updates.append(
            lambda: b.plan.emit(
                Kind.TILES, "batch_size_one.update_on_list", *update, tiles=tiles, **sizes
            )
        )
        return None

    return Y, backward
