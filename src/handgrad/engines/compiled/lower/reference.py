"""A layer without kernels: its own forward and backward, called for the whole batch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.dense import descend
from handgrad.engines.compiled.lower.plan import Buffer
from handgrad.engines.compiled.lower.values import Value
from handgrad.engines.compiled.runtime import step_state as clock
from handgrad.engines.compiled.runtime.program import Program
from handgrad.layers import Array, Context, Layer, Params, has_buffers
from handgrad.params import flatten
from handgrad.walk import gradients_alone


def reference(
    b: Builder, layer: Layer, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down a layer as the reference engine runs it, and say so."""
    b.plan.notes.append(f"{b.plan.layer}: there is no kernel for it; it runs as the reference does")
    called = _Called(b, layer, prefix, number)
    shape = layer.forward(called.params, np.zeros((1, *X.shape), np.float32), Context())[0].shape[
        1:
    ]
    Y = b.value("Y", shape, X.learned or bool(called.learned))
    b.plan.python(partial(called.forward, X, Y), X.buffer, Y.buffer)

    def backward(dY: Value) -> Value | None:
        dX = b.value("dX", X.shape, learned=True) if X.learned else None
        norm = b.more_norms(1)
        used = (dY.buffer, b.norms) if dX is None else (dY.buffer, dX.buffer, b.norms)
        b.plan.python(partial(called.backward, dY, dX, norm.offset), *used)
        if b.plain:
            b.updates.append(called.update)
        return dX

    if b.training and has_buffers(layer):
        b.update_buffers.append(lambda: b.plan.python(called.update_buffers, b.spoilt))
    return Y, backward


class _Called:
    """A layer that is called for the whole batch, and what it keeps from one call to the next.

    Args:
        b: the builder.
        layer: the layer.
        prefix: what its arrays' names begin with.
        number: its place in the network, as `Context.layer` counts.

    Attributes:
        tree: its arrays.
        learned: the names of those that are learned.
    """

    def __init__(self, b: Builder, layer: Layer, prefix: str, number: int) -> None:
        self._b, self._layer, self._prefix, self._number = b, layer, prefix, number
        self.params = _find(b.net.params, prefix)
        self.learned = [name for name in flatten(self.params, prefix) if name in b.store.rooms]
        self._cache: Any = None
        self._carried: dict[str, Array] = {}

    def forward(self, X: Value, Y: Value, program: Program, seed: int) -> None:
        """Set Y; and find what is carried along, for once the update has begun nothing may fail."""
        b = self._b
        for name in self.learned:
            b.store.give(name, b.net.parameters[name], b.store.W)
        ctx = Context(b.training, seed, int(program.clocks[clock.TOTAL]), self._number)
        output, self._cache = self._layer.forward(self.params, read(program, X), ctx)
        if b.training and has_buffers(self._layer):
            self._carried = flatten(
                self._layer.update_buffers(self.params, self._cache), self._prefix
            )
        write(program, Y, output)

    def backward(self, dY: Value, dX: Value | None, norm: int, program: Program, seed: int) -> None:
        """Set dX, where somebody wants it, the gradients, and the sum of their squares."""
        b, output = self._b, read(program, dY)
        if dX is None:
            gradients = gradients_alone(self._layer, self.params, self._cache, output)
        else:
            back, gradients = self._layer.backward(self.params, self._cache, output)
            write(program, dX, back)
        squares = 0.0
        for name, gradient in flatten(gradients, self._prefix).items():
            b.store.take(name, gradient, b.store.dW)
            squares += float(np.vdot(gradient, gradient))
        program.array(b.norms)[0, norm] = squares

    def update(self) -> None:
        """Lay down the update of what it learns."""
        for name in self.learned:
            descend(self._b, name, self._b.store.rooms[name].size)

    def update_buffers(self, program: Program, seed: int) -> None:
        """Carry along what the step has left."""
        for name, value in self._carried.items():
            self._b.net.buffers[name][...] = value
            if not np.isfinite(value).all():
                program.array(self._b.spoilt)[0, 0] = 1


def read(program: Program, X: Value) -> Array:
    """Return a value as the layers know it, (N, ...)."""
    count, chunks = int(program.clocks[clock.COUNT]), int(program.clocks[clock.CHUNKS])
    lanes = _chunks(program, X.buffer, chunks)[:, : X.features]
    return lanes.transpose(0, 2, 1).reshape(-1, *X.shape)[:count]


def write(program: Program, Y: Value, array: Array) -> None:
    """Set a value from an array (N, ...); lanes without an image become zero."""
    chunks = int(program.clocks[clock.CHUNKS])
    rows = np.zeros((chunks * LANES, Y.features), np.float32)
    rows[: len(array)] = array.reshape(len(array), -1)
    lanes = _chunks(program, Y.buffer, chunks)[:, : Y.features]
    lanes[...] = rows.reshape(chunks, LANES, -1).transpose(0, 2, 1)


def _chunks(program: Program, buffer: Buffer, chunks: int) -> Array:
    """Return the view (chunks, rows, lanes) of a buffer."""
    return program.array(buffer)[:chunks].reshape(chunks, -1, LANES)


def _find(tree: Params, prefix: str) -> Params:
    """Return the arrays of the layer whose names begin with a prefix such as "3.body.0."."""
    for name in prefix.rstrip(".").split("."):
        tree = tree[name]
    return tree
