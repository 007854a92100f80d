"""Layers that contain other layers: a sequence, and a residual block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers.layer import Array, Cache, Context, Layer, Params, Shape, has_buffers
from handgrad.layers.registry import register

__all__ = ["Residual", "Sequential", "inner_layers"]


@register
@dataclass(frozen=True)
class Sequential:
    """A sequence of layers that acts as one layer; its two loops implement the chain rule.

    Y = fₗ(… f₂(f₁(X)))        dX = f₁'(f₂'(… fₗ'(dY)))

    The arrays of the i-th layer are stored under the name ``str(i)``.
    """

    layers: Sequence[Layer] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # so that the layer is hashable

    @property
    def buffers(self) -> tuple[str, ...]:
        """The names of all buffers; the names of nested layers are joined with dots."""
        return tuple(
            f"{index}.{name}"
            for index, layer in enumerate(self.layers)
            if has_buffers(layer)
            for name in layer.buffers
        )

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return the arrays of all layers, and the shape of the last layer's output."""
        params: Params = {}
        for index, layer in enumerate(self.layers):
            try:
                params[str(index)], shape = layer.init(shape, rng)
            except ModelError as error:
                name = type(layer).__name__
                raise ModelError(f"layer {index} ({name}), given {shape}: {error}") from None
        return params, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X -> Y, through the layers in order."""
        caches = []
        for index, layer in enumerate(self.layers):
            X, cache = layer.forward(params[str(index)], X, ctx.inside(index))
            caches.append(cache)
        return X, caches

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX, through the layers in reverse."""
        gradients: Params = {}
        for index, layer in reversed(list(enumerate(self.layers))):
            dY, gradients[str(index)] = layer.backward(params[str(index)], cache[index], dY)
        return dY, gradients

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return the buffers of each layer after a training step."""
        return {
            str(index): layer.update_buffers(params[str(index)], cache[index])
            for index, layer in enumerate(self.layers)
            if has_buffers(layer)
        }


@register
@dataclass(frozen=True)
class Residual:
    """A residual block: layers with a shortcut around them.

    Y = body(X) + shortcut(X)        dX = body'(dY) + shortcut'(dY)

    Without layers in the shortcut, shortcut(X) is X.

    K. He et al. 2016, "Deep residual learning for image recognition", section 3.

    Attributes:
        body: the layers that learn what to add to the shortcut.
        shortcut: layers that convert X to the output shape of the body, if the shapes differ.
    """

    body: Sequence[Layer]
    shortcut: Sequence[Layer] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", tuple(self.body))  # so that the layer is hashable
        object.__setattr__(self, "shortcut", tuple(self.shortcut))

    @property
    def buffers(self) -> tuple[str, ...]:
        """The names of all buffers; the names of nested layers are joined with dots."""
        body, shortcut = Sequential(self.body), Sequential(self.shortcut)
        return (
            *(f"body.{name}" for name in body.buffers),
            *(f"shortcut.{name}" for name in shortcut.buffers),
        )

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return the arrays of the body and the shortcut, and the shape of their sum."""
        body, output = Sequential(self.body).init(shape, rng)
        shortcut, other = Sequential(self.shortcut).init(shape, rng)
        if output != other:
            raise ModelError(
                f"its body returns {output} and its shortcut {other}; make the two shapes equal"
            )
        return {"body": body, "shortcut": shortcut}, output

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X -> Y."""
        body, body_cache = Sequential(self.body).forward(params["body"], X, ctx.inside(0))
        shortcut, cache = Sequential(self.shortcut).forward(params["shortcut"], X, ctx.inside(1))
        return body + shortcut, (body_cache, cache)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY -> dX."""
        dX_body, body = Sequential(self.body).backward(params["body"], cache[0], dY)
        dX_shortcut, shortcut = Sequential(self.shortcut).backward(params["shortcut"], cache[1], dY)
        return dX_body + dX_shortcut, {"body": body, "shortcut": shortcut}

    def update_buffers(self, params: Params, cache: Cache) -> Params:
        """Return the buffers of the body and the shortcut after a training step."""
        return {
            "body": Sequential(self.body).update_buffers(params["body"], cache[0]),
            "shortcut": Sequential(self.shortcut).update_buffers(params["shortcut"], cache[1]),
        }


def inner_layers(layer: Layer) -> tuple[Layer, ...]:
    """Return the layers that a layer contains; most layers contain no others."""
    if isinstance(layer, Sequential):
        return tuple(layer.layers)
    if isinstance(layer, Residual):
        return (*layer.body, *layer.shortcut)
    return ()
