"""Converts images and parameters for frameworks in which the channels are the last axis.

images     (N, C, H, W)    ->  (N, H, W, C)
convolution  (O, C, kh, kw)  ->  (kh, kw, C, O)
linear       (O, I)          ->  (I, O), with I in the order of a flattened (H, W, C)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.tasks import Array
from handgrad.layers import Context, Flatten, Layer, Params, Residual, Sequential, Shape
from handgrad.network import Network


def images(X: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C)."""
    return np.ascontiguousarray(X.transpose(0, 2, 3, 1))


def arrays(net: Network) -> Params:
    """Return the network's parameters, with the weights in the channels-last layout."""
    tree = _chain(net.layers, net.params)
    flat = [i for i, layer in enumerate(net.layers) if isinstance(layer, Flatten)]
    for index in flat:
        C, H, W = _output(net, index)
        weight = tree[str(index + 1)]["weight"]  # the linear layer after Flatten
        by_channel = weight.reshape(C, H, W, -1)
        tree[str(index + 1)]["weight"] = by_channel.transpose(1, 2, 0, 3).reshape(weight.shape)
    return tree


def _chain(layers: Sequence[Layer], tree: Params) -> Params:
    return {str(i): _layer(layer, tree[str(i)]) for i, layer in enumerate(layers)}


def _layer(layer: Layer, tree: Params) -> Params:
    """Return a layer's parameters, with the output axis of each weight moved to the end."""
    if isinstance(layer, Residual):
        ways = {"body": layer.body, "shortcut": layer.shortcut}
        return {name: _chain(way, tree[name]) for name, way in ways.items()}
    return {name: _outputs_last(array) for name, array in tree.items()}


def _outputs_last(array: Array) -> Array:
    """(O, I) -> (I, O), (O, C, kh, kw) -> (kh, kw, C, O), (O,) unchanged."""
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    return np.ascontiguousarray(array.T)


def _output(net: Network, count: int) -> Shape:
    """Return the shape (C, H, W) of the output after the first `count` layers."""
    X = np.zeros((1, *net.shape), net.dtype)
    return Sequential(net.layers[:count]).forward(net.params, X, Context())[0].shape[1:]
