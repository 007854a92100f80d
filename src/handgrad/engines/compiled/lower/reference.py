"""Runs layers that have no kernel in Python, by calling their own forward and backward."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.step_state import CHUNKS, COUNT, TOTAL
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Buffer
from handgrad.engines.compiled.lower.dense import update_parameter
from handgrad.engines.compiled.lower.plan import RunningProgram
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Array, Context, Layer, Params, has_buffers
from handgrad.params import flatten
from handgrad.walk import gradients_alone


def reference(
    b: Builder, layer: Layer, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Let the plan call the layer's own forward and backward in Python, and add a note."""
    b.plan.notes.append(f"{b.plan.layer}: there is no kernel for it; it runs in Python")
    calls = _PythonLayer(b, layer, prefix, number)
    shape = layer.forward(calls.params, np.zeros((1, *X.shape), np.float32), Context())[0].shape[1:]
    Y = b.value("Y", shape, X.requires_grad or bool(calls.names))
    b.plan.python(partial(calls.forward, X, Y), X.buffer, Y.buffer)

    def backward(dY: Value) -> Value | None:
        dX = b.value("dX", X.shape, requires_grad=True) if X.requires_grad else None
        norm = b.add_norms(1)
        used = (dY.buffer, b.norms) if dX is None else (dY.buffer, dX.buffer, b.norms)
        b.plan.python(partial(calls.backward, dY, dX, norm.offset), *used)
        if b.is_plain_sgd:
            b.updates.append(calls.emit_updates)
        return dX

    if b.training and has_buffers(layer):
        b.update_buffers.append(lambda: b.plan.python(calls.update_buffers, b.nonfinite))
    return Y, backward


class _PythonLayer:
    """A layer that runs in Python for the whole batch, with the cache for its backward pass.

    Args:
        b: the builder.
        layer: the layer.
        prefix: the prefix of the names of the layer's arrays.
        number: the position of the layer in the network, as in `Context.layer`.

    Attributes:
        params: the layer's parameters and buffers.
        names: the names of the layer's parameters.
    """

    def __init__(self, b: Builder, layer: Layer, prefix: str, number: int) -> None:
        self._b, self._layer, self._prefix, self._number = b, layer, prefix, number
        self.params = _find(b.net.params, prefix)
        self.names = [name for name in flatten(self.params, prefix) if name in b.layout.slots]
        self._cache: Any = None
        self._new_buffers: dict[str, Array] = {}

    def forward(self, X: Value, Y: Value, program: RunningProgram, seed: int) -> None:
        """Compute Y, and the new buffers too, because nothing may fail after the update begins."""
        b = self._b
        for name in self.names:
            b.layout.copy_out(name, b.net.parameters[name], b.layout.W)
        ctx = Context(b.training, seed, int(program.step_states[TOTAL]), self._number)
        output, self._cache = self._layer.forward(self.params, read(program, X), ctx)
        if b.training and has_buffers(self._layer):
            self._new_buffers = flatten(
                self._layer.update_buffers(self.params, self._cache), self._prefix
            )
        write(program, Y, output)

    def backward(
        self, dY: Value, dX: Value | None, norm: int, program: RunningProgram, seed: int
    ) -> None:
        """Compute the layer's gradients, the sum of their squares and, if needed, dX."""
        b, dY_array = self._b, read(program, dY)
        if dX is None:
            gradients = gradients_alone(self._layer, self.params, self._cache, dY_array)
        else:
            dX_array, gradients = self._layer.backward(self.params, self._cache, dY_array)
            write(program, dX, dX_array)
        squares = 0.0
        for name, gradient in flatten(gradients, self._prefix).items():
            b.layout.copy_in(name, gradient, b.layout.dW)
            squares += float(np.vdot(gradient, gradient))
        program.array(b.norms)[0, norm] = squares

    def emit_updates(self) -> None:
        """Emit the updates of the layer's parameters."""
        for name in self.names:
            update_parameter(self._b, name)

    def update_buffers(self, program: RunningProgram, seed: int) -> None:
        """Set the network's buffers to the values computed in this step."""
        for name, value in self._new_buffers.items():
            self._b.net.buffers[name][...] = value
            if not np.isfinite(value).all():
                program.array(self._b.nonfinite)[0, 0] = 1


def read(program: RunningProgram, X: Value) -> Array:
    """Return a value as an array (N, ...), the format that layers use."""
    count, chunks = int(program.step_states[COUNT]), int(program.step_states[CHUNKS])
    lanes = _by_chunk(program, X.buffer, chunks)[:, : X.features]
    return lanes.transpose(0, 2, 1).reshape(-1, *X.shape)[:count]


def write(program: RunningProgram, Y: Value, array: Array) -> None:
    """Store an array (N, ...) in the buffer of a value. Lanes without an image become zero."""
    chunks = int(program.step_states[CHUNKS])
    rows = np.zeros((chunks * LANES, Y.features), np.float32)
    rows[: len(array)] = array.reshape(len(array), -1)
    lanes = _by_chunk(program, Y.buffer, chunks)[:, : Y.features]
    lanes[...] = rows.reshape(chunks, LANES, -1).transpose(0, 2, 1)


def _by_chunk(program: RunningProgram, buffer: Buffer, chunks: int) -> Array:
    """Return a view (chunks, rows, lanes) of a buffer."""
    return program.array(buffer)[:chunks].reshape(chunks, -1, LANES)


def _find(tree: Params, prefix: str) -> Params:
    """Return the arrays whose names begin with a layer's prefix, such as "3.body.0."."""
    for name in prefix.rstrip(".").split("."):
        tree = tree[name]
    return tree
