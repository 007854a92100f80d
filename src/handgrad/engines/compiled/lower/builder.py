"""What turns a network into a plan, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.parameter_layout import Store, aligned
from handgrad.engines.compiled.lower.plan import Argument, Buffer, Part, Plan
from handgrad.engines.compiled.lower.values import Source, Value
from handgrad.layers import Layer
from handgrad.network import Network

Backward: TypeAlias = Callable[[Value], Value | None]
Emitter: TypeAlias = Callable[..., tuple[Value, Backward]]


class Builder:
    """Collects the stages of one network; each family of layers knows how to lay down its own.

    Args:
        net: the network.
        store: its learned arrays.
        source: how the images come.
        chunks: for how many chunks of 16 images there must be room.
        training: whether to learn, or only to go forward as at inference.
        emitters: what lays down each kind of layer, under None any other kind.

    Attributes:
        plan: the plan so far.
        refresh: what to call before each run.
        gradients: what to call once the chunks are through, to lay down the gradients that are
            made for the whole batch at once.
        sums: what to call after that, to lay down the sums of gradients made in shares.
        updates: what to call after the update of most parameters, to lay down that of the others.
        absorb: what to call after all updates.
        plain: whether the update is W ← W − η dW and nothing else.
        parts: the gradients that are made chunk by chunk.
        norms: the sums of squares of all gradients.
        spoilt: 1 where an update has left a number that is not finite.
    """

    def __init__(
        self,
        net: Network,
        store: Store,
        source: Source,
        chunks: int,
        training: bool,
        emitters: Mapping[type | None, Emitter],
    ) -> None:
        self.net, self.store, self.source, self.training = net, store, source, training
        self.plan = Plan(chunks)
        self.refresh: list[Callable[[], None]] = []
        self.gradients = _Later(self.plan)
        self.sums = _Later(self.plan)
        self.updates = _Later(self.plan)
        self.update_buffers = _Later(self.plan)
        self.plain = False
        self.parts = Buffer("gradients by chunk", max(store.shared, LANES))
        self.norms = Buffer("sums of squares", 0, single=True)
        self.spoilt = Buffer("spoilt", 1, np.int64, single=True)
        self._emitters = emitters

    def chain(
        self, layers: Sequence[Layer], prefix: str, number: int, X: Value, first: int = 0
    ) -> tuple[Value, Backward]:
        """Lay down layers one after another.

        Args:
            layers: the layers.
            prefix: what their arrays' names begin with.
            number: the place of the chain in the network, as `Context.layer` counts.
            X: what goes in.
            first: the number of the first of them.

        Returns:
            What comes out, and what lays down the way back.
        """
        ways: list[tuple[str, Backward]] = []
        for index, layer in enumerate(layers, first):
            self.plan.layer = label = f"{prefix}{index} {type(layer).__name__}"
            emit = self._emitters.get(type(layer), self._emitters[None])
            X, way = emit(self, layer, f"{prefix}{index}.", number * 1000 + index + 1, X)
            ways.append((label, way))

        def backward(dY: Value) -> Value | None:
            dX: Value | None = dY
            for label, way in reversed(ways):
                if dX is not None:
                    self.plan.layer = label
                    dX = way(dX)
            return dX

        return X, backward

    def value(self, name: str, shape: tuple[int, ...], learned: bool, fixed: bool = False) -> Value:
        """Return a new value, with room for whole tiles."""
        rows, lanes = -(-math.prod(shape) // 64) * 64, 1 if self.source.single else LANES
        room = Buffer(f"{self.plan.layer}: {name}", rows * lanes)
        return Value(room, shape, learned, fixed, lanes)

    def beside(self, name: str, X: Value, fixed: bool = False) -> Value:
        """Return X to be changed in place, or a copy of it where X is needed once more."""
        return self.elsewhere(name, X, fixed) if X.fixed else replace(X, fixed=fixed)

    def elsewhere(self, name: str, X: Value, fixed: bool = False) -> Value:
        """Lay down a copy of X, to be changed in place."""
        Y = self.value(name, X.shape, X.learned, fixed)
        self.chunks("chain.copy", X.buffer, Y.buffer, X.count)
        return Y

    def chunks(self, kernel: str, *arguments: Argument, **sizes: int) -> None:
        """Lay down a stage for each chunk."""
        self.plan.emit(Kind.CHUNKS, kernel, *arguments, **sizes)

    def parameter(self, name: str) -> Part:
        """Return where a learned array lies."""
        return Part(self.store.W, self.store.rooms[name].offset)

    def gradient(self, name: str) -> Part:
        """Return where a chunk's share of a gradient lies."""
        return Part(self.parts, self.store.rooms[name].offset)

    def nothing(self, count: int) -> Part:
        """Return zeros, which nobody changes."""
        return Part(aligned(count))

    def more_norms(self, count: int) -> Part:
        """Return room for `count` more sums of squares."""
        offset = self.norms.size
        self.norms.size += count
        return Part(self.norms, offset)


class _Later(list[Callable[[], None]]):
    """What to call later, each in the name of the layer that asks for it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def append(self, call: Callable[[], None]) -> None:
        """Add a call."""
        layer = self._plan.layer

        def lay() -> None:
            self._plan.layer = layer
            call()

        super().append(lay)


def even(total: int, most: int) -> int:
    """Return the size of pieces, at most `most`, that cover `total` with the least left over."""
    pieces = -(-total // most)
    return -(-total // pieces)
