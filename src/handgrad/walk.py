"""Iterators over the layers of a network, in a forward pass or a backward pass.

Training, summaries, explanations and the search for a diverging layer all use these iterators.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from handgrad.layers import (
    Array,
    Context,
    Layer,
    Params,
    Residual,
    Sequential,
    gives_gradients_alone,
)


class LayerForward(NamedTuple):
    """The forward pass of one layer: its input, output and cache.

    Attributes:
        path: the layer's position, such as "3", or "8.body.0" for a layer inside another layer.
        layer: the layer.
        params: the layer's arrays by name.
        X: the layer's input.
        Y: the layer's output.
        cache: the values that the layer's backward pass needs.
    """

    path: str
    layer: Layer
    params: Params
    X: Array
    Y: Array
    cache: Any

    @property
    def name(self) -> str:
        """The layer's name for messages and tables, such as "2 (Dense)"."""
        return f"{self.path} ({type(self.layer).__name__})"

    @property
    def multiply_adds(self) -> int:
        """The number of multiply-adds with the layer's own weights, without layers inside it."""
        weight = self.params.get("weight")
        if not isinstance(weight, np.ndarray):
            return 0
        return int(self.Y.size) * math.prod(weight.shape[1:])


class LayerBackward(NamedTuple):
    """The backward pass of one layer: its gradients.

    Attributes:
        path: the layer's position, such as "3", or "8.body.0" for a layer inside another layer.
        layer: the layer.
        dY: the gradient of the loss with respect to the layer's output.
        dX: the gradient of the loss with respect to the layer's input, or None if it was not
            computed.
        gradients: the gradient of the loss with respect to each of the layer's parameters.
    """

    path: str
    layer: Layer
    dY: Array  # noqa: N815
    dX: Array | None  # noqa: N815
    gradients: Params

    @property
    def name(self) -> str:
        """The layer's name for messages and tables, such as "2 (Dense)"."""
        return f"{self.path} ({type(self.layer).__name__})"


def walk(
    layers: Iterable[Layer],
    params: Params,
    X: Array,
    ctx: Context,
    *,
    inner: bool = False,
    prefix: str = "",
    frozen: int = 0,
) -> Iterator[LayerForward]:
    """Run a forward pass, and yield each layer with its input, output and cache.

    Args:
        layers: the layers in order.
        params: the arrays of the layers; those of the first layer have the key "0", and so on.
        X: the input of the first layer.
        ctx: the context of all layers.
        inner: whether to also yield the layers nested inside a layer, after the layer that contains
            them. If so, the inner layers are computed twice.
        prefix: the text to put before each path.
        frozen: how many of the first layers are frozen: they run in inference mode.
    """
    for index, layer in enumerate(layers):
        name = str(index)
        mode = ctx if index >= frozen else ctx._replace(training=False)
        own, here = params[name], mode.inside(index)
        Y, cache = layer.forward(own, X, here)
        yield LayerForward(prefix + name, layer, own, X, Y, cache)
        if inner:
            for branch in _branches(prefix + name, layer, own, cache, here):
                yield from walk(
                    *(branch.layers, branch.params, X, branch.ctx), inner=True, prefix=branch.prefix
                )
        X = Y


def walk_back(
    layers: Sequence[Layer],
    params: Params,
    caches: Sequence[Any],
    dY: Array,
    *,
    stop: int | None = None,
    inner: bool = False,
    prefix: str = "",
) -> Iterator[LayerBackward]:
    """Run a backward pass, and yield each layer with its gradients, starting at the last layer.

    Args:
        layers: the layers in order.
        params: the arrays of the layers; those of the first layer have the key "0", and so on.
        caches: the caches of the layers from the forward pass, in order.
        dY: the gradient with respect to the output of the last layer.
        stop: the index of the last layer to visit, whose dX is not computed; or None to continue to
            the first layer and compute every dX.
        inner: whether to also yield the layers nested inside a layer, after the layer that contains
            them. If so, the inner layers are computed twice.
        prefix: the text to put before each path.
    """
    for index in range(len(layers) - 1, -1 if stop is None else stop - 1, -1):
        name = str(index)
        layer, own, path, dX = layers[index], params[name], prefix + name, None
        if index == stop:
            gradients = gradients_alone(layer, own, caches[index], dY)
        else:
            dX, gradients = layer.backward(own, caches[index], dY)
        yield LayerBackward(path, layer, dY, dX, gradients)
        if inner:
            for branch in _branches(path, layer, own, caches[index], Context()):
                yield from walk_back(
                    *(branch.layers, branch.params, branch.caches, dY),
                    inner=True,
                    prefix=branch.prefix,
                )
        dY = dY if dX is None else dX


class _Branch(NamedTuple):
    """One of a layer's branches, each of which takes the layer's input; their outputs are added."""

    prefix: str
    layers: Sequence[Layer]
    params: Params
    caches: Sequence[Any]
    ctx: Context


def _branches(
    path: str, layer: Layer, params: Params, cache: Any, ctx: Context
) -> tuple[_Branch, ...]:
    """Return the branches of a layer that contains other layers, or () for any other layer."""
    if isinstance(layer, Sequential):
        return (_Branch(f"{path}.", layer.layers, params, cache, ctx),)
    if isinstance(layer, Residual):
        body, shortcut = params["body"], params["shortcut"]
        return (
            _Branch(f"{path}.body.", layer.body, body, cache[0], ctx.inside(0)),
            _Branch(f"{path}.shortcut.", layer.shortcut, shortcut, cache[1], ctx.inside(1)),
        )
    return ()


def gradients_alone(layer: Layer, params: Params, cache: Any, dY: Array) -> Params:
    """Return a layer's parameter gradients without dX, by a faster method if the layer has one."""
    if gives_gradients_alone(layer):
        return layer.gradients(params, cache, dY)
    return layer.backward(params, cache, dY)[1]
