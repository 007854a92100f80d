"""Every layer's forward in PyTorch, for autograd to differentiate.

It reads our layers and our arrays, and shares no mathematics with us; only dropout takes its mask
from ours, for a mask is drawn, not derived.
"""
# ruff: noqa: ARG001, ARG005 (all forwards have one form)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from handgrad.gradcheck.loss_as_layer import OfLoss
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
    inner_layers,
)
from handgrad.losses import SoftmaxCrossEntropy

Tensors = dict[str, Any]  # tensors by name, as in a layer's tree


def knows(layer: Layer) -> bool:
    """Say whether a layer, and each one in it, has its forward here.

    A kind derived from one of ours is not ours: its forward may be another.
    """
    return type(layer) in FORWARDS and all(map(knows, inner_layers(layer)))


def forward(layer: Layer, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    """Return the layer's output."""
    Y: Tensor = FORWARDS[type(layer)](layer, params, X, ctx)
    return Y


def _dense(layer: Dense, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    return functional.linear(X, params["weight"], params["bias"])


def _conv(layer: Conv2d, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    return functional.conv2d(X, params["weight"], params["bias"], layer.stride, layer.padding)


def _max_pool(layer: MaxPool2d, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    return functional.max_pool2d(X, layer.kernel, layer.stride, layer.padding)


def _avg_pool(layer: AvgPool2d, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    return functional.avg_pool2d(X, layer.kernel, layer.stride, layer.padding)


def _batch_norm(layer: BatchNorm, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    running = params["running_mean"], params["running_var"]
    learned = params["weight"], params["bias"]
    return functional.batch_norm(X, *running, *learned, ctx.training, layer.momentum, layer.eps)


def _normalize(layer: Normalize, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    along = (-1, *(1,) * (X.ndim - 2))
    return (X - params["mean"].reshape(along)) / params["std"].reshape(along)


def _dropout(layer: Dropout | Dropout2d, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    mask, _ = layer.forward({}, np.ones(X.shape), ctx)
    return X * torch.tensor(mask)


def _chain(layer: Sequential, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    for index, inner in enumerate(layer.layers):
        X = forward(inner, params[str(index)], X, ctx.inside(index))
    return X


def _residual(layer: Residual, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    body = forward(Sequential(layer.body), params["body"], X, ctx.inside(0))
    return body + forward(Sequential(layer.shortcut), params["shortcut"], X, ctx.inside(1))


def _loss(layer: OfLoss, params: Tensors, X: Tensor, ctx: Context) -> Tensor:
    """PyTorch's own mean weighs the smoothed share by the class it falls on; ours, by example."""
    if not isinstance(layer.loss, SoftmaxCrossEntropy):
        raise NotImplementedError(type(layer.loss).__name__)
    drawn, weights = layer.drawn(tuple(X.shape), ctx)
    y, classes = torch.tensor(drawn), layer.loss.class_weights
    smoothing = layer.loss.label_smoothing
    each = functional.cross_entropy(X, y, reduction="none", label_smoothing=smoothing)
    w = torch.ones_like(each) if weights is None else torch.tensor(weights)
    w = w if classes is None else w * torch.tensor(classes, dtype=w.dtype)[y]
    return ((w * each).sum() / w.sum()).reshape(1)


FORWARDS: dict[type, Callable[..., Tensor]] = {
    Dense: _dense,
    Conv2d: _conv,
    MaxPool2d: _max_pool,
    AvgPool2d: _avg_pool,
    GlobalAvgPool2d: lambda layer, params, X, ctx: functional.adaptive_avg_pool2d(X, 1).flatten(1),
    Flatten: lambda layer, params, X, ctx: torch.flatten(X, 1),
    BatchNorm: _batch_norm,
    Normalize: _normalize,
    ReLU: lambda layer, params, X, ctx: functional.relu(X),
    LeakyReLU: lambda layer, params, X, ctx: functional.leaky_relu(X, layer.slope),
    Sigmoid: lambda layer, params, X, ctx: torch.sigmoid(X),
    Tanh: lambda layer, params, X, ctx: torch.tanh(X),
    SiLU: lambda layer, params, X, ctx: functional.silu(X),
    Dropout: _dropout,
    Dropout2d: _dropout,
    Sequential: _chain,
    Residual: _residual,
    OfLoss: _loss,
}
