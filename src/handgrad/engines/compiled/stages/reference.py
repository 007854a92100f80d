"""A layer without kernels: its own forward and backward, called for the whole batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.arrays import flatten
from handgrad.engines.compiled import clock
from handgrad.engines.compiled.builder import Backward, Builder
from handgrad.engines.compiled.lanes import LANES
from handgrad.engines.compiled.plan import Buffer
from handgrad.engines.compiled.program import Program
from handgrad.engines.compiled.stages.dense import descend
from handgrad.engines.compiled.values import Value
from handgrad.layers import Array, Context, Layer, Tree, carries
from handgrad.layers.layer import Carrying


def reference(
    b: Builder, layer: Layer, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down a layer as the reference engine runs it, and say so."""
    label = b.plan.layer
    b.plan.notes.append(f"{label}: there is no kernel for it; it runs as the reference does")
    tree = _find(b.net.tree, prefix)
    names = list(flatten(tree, prefix))
    learned = [name for name in names if name in b.store.rooms]
    shape = layer.forward(tree, np.zeros((1, *X.shape), np.float32), Context())[0].shape[1:]
    Y = b.value("Y", shape, X.learned or bool(learned))
    kept: list[Any] = [None]

    def forward(program: Program, seed: int) -> None:
        for name in learned:
            b.store.give(name, b.net.parameters[name], b.store.W)
        step = int(program.clocks[clock.TOTAL])
        ctx = Context(b.training, seed, step, number)
        output, kept[0] = layer.forward(tree, read(program, X), ctx)
        write(program, Y, output)

    b.plan.python(forward, X.buffer, Y.buffer)

    def update() -> None:
        for name in learned:
            descend(b, name, b.store.rooms[name].size)

    def backward(dY: Value) -> Value | None:
        dX = b.value("dX", X.shape, learned=True)
        norm = b.more_norms(1)

        def run(program: Program, seed: int) -> None:
            back, gradients = layer.backward(tree, kept[0], read(program, dY))
            squares = 0.0
            for name, gradient in flatten(gradients, prefix).items():
                b.store.take(name, gradient, b.store.dW)
                squares += float(np.vdot(gradient, gradient))
            program.array(b.norms)[0, norm.offset] = squares
            write(program, dX, back)

        b.plan.python(run, dY.buffer, dX.buffer, b.norms)
        if b.plain:
            b.updates.append(update)
        return dX if X.learned else None

    if b.training and carries(layer):
        b.absorb.append(lambda: _absorb(b, layer, tree, prefix, kept))
    return Y, backward


def _absorb(b: Builder, layer: Carrying, tree: Tree, prefix: str, kept: list[Any]) -> None:
    """Lay down what the layer carries along."""

    def run(program: Program, seed: int) -> None:
        for name, value in flatten(layer.absorb(tree, kept[0]), prefix).items():
            b.net.state[name][...] = value
            if not np.isfinite(value).all():
                program.array(b.spoilt)[0, 0] = 1

    b.plan.python(run, b.spoilt)


def read(program: Program, X: Value) -> Array:
    """Return a value as the layers know it, (N, ...)."""
    count, chunks = int(program.clocks[clock.COUNT]), int(program.clocks[clock.CHUNKS])
    lanes = _chunks(program, X.buffer, chunks)[:, : X.features]
    return lanes.transpose(0, 2, 1).reshape(-1, *X.shape)[:count]


def write(program: Program, Y: Value, array: Array) -> None:
    """Set a value from an array (N, ...); lanes without a picture become zero."""
    chunks = int(program.clocks[clock.CHUNKS])
    rows = np.zeros((chunks * LANES, Y.features), np.float32)
    rows[: len(array)] = array.reshape(len(array), -1)
    lanes = _chunks(program, Y.buffer, chunks)[:, : Y.features]
    lanes[...] = rows.reshape(chunks, LANES, -1).transpose(0, 2, 1)


def _chunks(program: Program, buffer: Buffer, chunks: int) -> Array:
    """Return the view (chunks, rows, lanes) of a buffer."""
    return program.array(buffer)[:chunks].reshape(chunks, -1, LANES)


def _find(tree: Tree, prefix: str) -> Tree:
    """Return the arrays of the layer whose names begin with a prefix such as "3.body.0."."""
    for name in prefix.rstrip(".").split("."):
        tree = tree[name]
    return tree
