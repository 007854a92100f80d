"""The builder, which translates the layers of a network into kernel calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.barriers import PER_CHUNK
from handgrad.engines.compiled.lower.calls import Argument, Buffer, View
from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout, aligned
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.engines.compiled.lower.values import InputFormat, Value
from handgrad.layers import Layer
from handgrad.network import Network

Backward: TypeAlias = Callable[[Value], Value | None]
LoweringRule: TypeAlias = Callable[..., tuple[Value, Backward]]


class Builder:
    """Builds the plan of a network by applying the lowering rule of each layer.

    A lowering rule is a function `rule(builder, layer, prefix, number, X)`. It emits the forward
    kernels and returns two values: the layer's output, and a function that emits the backward
    kernels. That function takes the gradient dY and returns dX, or None if no earlier layer has
    parameters.

    Args:
        net: the network.
        layout: the memory layout of the network's parameters.
        input_format: the format of the images.
        chunks: the maximum batch size, in chunks of 16 images.
        training: True to build a training step, False to build an inference plan.
        rules: the lowering rule of each layer class. The key None holds the rule for classes that
            are not listed.

    Attributes:
        plan: the plan.
        refresh: functions to call before each run.
        gradients: functions that emit the gradients for the whole batch; they are called after all
            chunks.
        gradient_sums: functions that emit the sum of the gradients of the two halves of the batch.
            They are called after `gradients`.
        updates: functions that emit the updates of individual parameters.
        update_buffers: functions that emit the updates of buffers, after all other updates.
        is_plain_sgd: whether the update is exactly W ← W − η dW.
        chunk_gradients: the buffer for the gradients that are computed chunk by chunk.
        norms: the sums of squares of all gradients.
        nonfinite: a flag that is set to 1 if an update produces a non-finite value.
    """

    def __init__(
        self,
        net: Network,
        layout: ParameterLayout,
        input_format: InputFormat,
        chunks: int,
        training: bool,
        rules: Mapping[type | None, LoweringRule],
    ) -> None:
        self.net, self.layout, self.training = net, layout, training
        self.input_format = input_format
        self.plan = Plan(chunks)
        self.refresh: list[Callable[[], None]] = []
        self.gradients = _Deferred(self.plan)
        self.gradient_sums = _Deferred(self.plan)
        self.updates = _Deferred(self.plan)
        self.update_buffers = _Deferred(self.plan)
        self.is_plain_sgd = False
        self.chunk_gradients = Buffer("gradients by chunk", max(layout.shared, LANES))
        self.norms = Buffer("sums of squares", 0, shared=True)
        self.nonfinite = Buffer("nonfinite", 1, np.int64, shared=True)
        self._rules = rules

    def chain(
        self, layers: Sequence[Layer], prefix: str, number: int, X: Value, first: int = 0
    ) -> tuple[Value, Backward]:
        """Emit a sequence of layers.

        Args:
            layers: the layers.
            prefix: the prefix of the names of the layers' parameters.
            number: the position of the sequence in the network, as in `Context.layer`.
            X: the input.
            first: the index of the first layer.

        Returns:
            The output, and a function that emits the backward pass.
        """
        backward_of: list[tuple[str, Backward]] = []
        for index, layer in enumerate(layers, first):
            self.plan.layer = label = f"{prefix}{index} {type(layer).__name__}"
            rule = self._rules.get(type(layer), self._rules[None])
            X, back = rule(self, layer, f"{prefix}{index}.", number * 1000 + index + 1, X)
            backward_of.append((label, back))

        def backward(dY: Value) -> Value | None:
            dX: Value | None = dY
            for label, back in reversed(backward_of):
                if dX is not None:
                    self.plan.layer = label
                    dX = back(dX)
            return dX

        return X, backward

    def value(
        self,
        name: str,
        shape: tuple[int, ...],
        requires_grad: bool,
        keep_for_backward: bool = False,
    ) -> Value:
        """Return a new value with a buffer that is padded to whole tiles."""
        rows = -(-math.prod(shape) // 64) * 64
        lanes = 1 if self.input_format.batch_size_one else LANES
        buffer = Buffer(f"{self.plan.layer}: {name}", rows * lanes)
        return Value(buffer, shape, requires_grad, keep_for_backward, lanes)

    def in_place(self, name: str, X: Value, keep_for_backward: bool = False) -> Value:
        """Return X if it may be overwritten; otherwise, emit a copy of X, and return the copy."""
        if X.keep_for_backward:
            return self.copy(name, X, keep_for_backward)
        return replace(X, keep_for_backward=keep_for_backward)

    def copy(self, name: str, X: Value, keep_for_backward: bool = False) -> Value:
        """Emit a copy of X that may be modified in place."""
        Y = self.value(name, X.shape, X.requires_grad, keep_for_backward)
        self.per_chunk("chain.copy", X=X.buffer, Y=Y.buffer, count=X.count)
        return Y

    def per_chunk(
        self, kernel: str, constants: Mapping[str, int] | None = None, /, **arguments: Argument
    ) -> None:
        """Emit a kernel call that is made for each chunk of the batch."""
        self.plan.emit(PER_CHUNK, kernel, constants, **arguments)

    def parameter(self, name: str) -> View:
        """Return the part of the long array W that contains a parameter."""
        slot = self.layout.slots[name]
        return View(self.layout.W, slot.offset, size=slot.capacity)

    def gradient(self, name: str) -> View:
        """Return the part of the long array dW for a parameter's gradient over the whole batch."""
        slot = self.layout.slots[name]
        return View(self.layout.dW, slot.offset, size=slot.capacity)

    def chunk_gradient(self, name: str) -> View:
        """Return the part of a chunk's buffer for the chunk's contribution to a gradient."""
        slot = self.layout.slots[name]
        return View(self.chunk_gradients, slot.offset, size=slot.capacity)

    def zeros(self, count: int) -> View:
        """Return memory that contains only zeros and is never written by a kernel."""
        return View(aligned(count))

    def add_norms(self, count: int) -> View:
        """Reserve memory for the sums of squares of `count` more parts of gradients."""
        offset = self.norms.size
        self.norms.size += count
        return View(self.norms, offset, size=count)


class _Deferred(list[Callable[[], None]]):
    """A list of functions that emit kernel calls later, each for the layer that added it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def append(self, emit: Callable[[], None]) -> None:
        """Add a function that will be called later, on behalf of the current layer."""
        layer = self._plan.layer

        def emit_for_layer() -> None:
            self._plan.layer = layer
            emit()

        super().append(emit_for_layer)

    def emit(self) -> None:
        """Call all functions in order."""
        for emit_for_layer in self:
            emit_for_layer()


def even(total: int, most: int) -> int:
    """Return the size, at most `most`, of equal pieces that cover `total` with the least excess."""
    pieces = -(-total // most)
    return -(-total // pieces)
