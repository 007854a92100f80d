"""The protocol of a layer."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]  # the shape of one example, without the batch
Params = dict[str, Any]  # arrays by name; a layer that contains layers nests their params
Cache = Any  # what forward keeps for the same layer's backward; opaque to all others


class Context(NamedTuple):
    """The information that a layer's functions receive besides the parameters and the batch X.

    Attributes:
        training: whether to run in training mode, in which dropout is active and batch norm uses
            the statistics of the batch.
        seed: the run's seed.
        step: the number of updates so far.
        layer: a number that encodes the layer's position in the network.
    """

    training: bool = False
    seed: int = 0
    step: int = 0
    layer: int = 0

    def inside(self, index: int) -> Context:
        """Return the context of the layer at position `index` inside this layer."""
        return self._replace(layer=self.layer * 1000 + index + 1)


@runtime_checkable
class Layer(Protocol):
    """A layer has three pure functions: `init`, `forward` and its derivative `backward`.

    Two protocols extend this one: `HasBuffers` describes layers with arrays that are not learned,
    such as the running statistics of a batch norm; `GradientsAlone` describes layers with a faster
    backward that omits dX.
    """

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return new arrays by name, and the output's shape, given the shape of one example."""
        ...

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """Return the output Y, and a cache for `backward`."""
        ...

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """Return dX and the gradients of the parameters, given dY."""
        ...


class HasBuffers(Layer, Protocol):
    """A layer with buffers: arrays that are not learned."""

    @property
    def buffers(self) -> tuple[str, ...]:
        """The names of the buffers."""
        ...

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return the new buffers after a training step whose forward returned this `cache`."""
        ...


class GradientsAlone(Layer, Protocol):
    """A layer whose backward can omit dX, which saves half of the work if dX is not needed."""

    def gradients(self, params: Params, cache: Cache, dY: Array) -> Params:
        """Return the gradients of the parameters, given dY."""
        ...


def has_buffers(layer: Layer) -> TypeGuard[HasBuffers]:
    """Return whether a layer has buffers."""
    return hasattr(layer, "buffers")


def gives_gradients_alone(layer: Layer) -> TypeGuard[GradientsAlone]:
    """Return whether a layer's backward can omit dX."""
    return hasattr(layer, "gradients")
