"""The form that every layer has."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]  # the shape of one example, without the batch
Params = dict[str, Any]  # arrays by name; a layer made of layers has a tree for each
Cache = Any  # what a layer's forward keeps for its own backward; nobody else looks inside


class Context(NamedTuple):
    """What a layer may know besides its parameters and its input.

    Attributes:
        training: True while learning: dropout drops, batch norm uses the batch's statistics.
        seed: the run's seed.
        step: the number of updates made so far.
        layer: the place of the layer in the network, as one whole number.
    """

    training: bool = False
    seed: int = 0
    step: int = 0
    layer: int = 0

    def inside(self, index: int) -> Context:
        """Return the context of the layer at `index` inside this one."""
        return self._replace(layer=self.layer * 1000 + index + 1)


@runtime_checkable
class Layer(Protocol):
    """Three pure functions: `init`, `forward` and its derivative `backward`.

    A layer may have more: one that carries numbers along which no gradient changes, such as
    batch norm's running statistics, is `HasBuffers`; one that has a shorter way where dX is not
    wanted is `GradientsAlone`.
    """

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return fresh arrays by name, and the shape of the output, for one example's `shape`."""
        ...

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """Return the output Y, and what `backward` will need."""
        ...

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """Return dX and the gradients of the learned arrays, given dY."""
        ...


class HasBuffers(Layer, Protocol):
    """A layer with arrays that are carried along, not learned."""

    @property
    def buffers(self) -> tuple[str, ...]:
        """The names of those arrays."""
        ...

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return the carried arrays after a training step that left `cache`."""
        ...


class GradientsAlone(Layer, Protocol):
    """A layer that can leave out dX, which is half its work: nobody learns from the images."""

    def gradients(self, params: Params, cache: Cache, dY: Array) -> Params:
        """Return the gradients of the learned arrays, given dY."""
        ...


def has_buffers(layer: Layer) -> TypeGuard[HasBuffers]:
    """Say whether a layer carries arrays along."""
    return hasattr(layer, "buffers")


def gives_gradients_alone(layer: Layer) -> TypeGuard[GradientsAlone]:
    """Say whether a layer can leave out dX."""
    return hasattr(layer, "gradients")
