"""The table of layers in C, with the function that writes the call of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.export.c import source
from handgrad.export.c.plan import Plan, Tensor, Write
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    Params,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.layers.im2col import pair
from handgrad.network import Network


def plan_of(network: Network) -> Plan:
    """Return the plan of a network, whose input is in buffer 0."""
    plan = Plan(LAYERS)
    plan.output = plan.chain(network.layers, network.params, plan.new(network.shape)).name
    return plan


def _dense(plan: Plan, layer: Dense, params: Params, X: Tensor) -> Tensor:
    arrays = plan.array(params, "weight"), plan.array(params, "bias")
    outputs = len(params["bias"])
    return plan.call("dense", X, (outputs,), *arrays, X.size, outputs)


def _conv(plan: Plan, layer: Conv2d, params: Params, X: Tensor) -> Tensor:
    window, size = plan.window(X.shape, *map(pair, (layer.kernel, layer.stride, layer.padding)))
    arrays = plan.array(params, "weight"), plan.array(params, "bias")
    O = layer.channels
    return plan.call("conv2d", X, (O, *size), *arrays, window, O)


def _pool(plan: Plan, layer: MaxPool2d | AvgPool2d, params: Params, X: Tensor) -> Tensor:
    stride = layer.kernel if layer.stride is None else layer.stride
    window, size = plan.window(X.shape, *map(pair, (layer.kernel, stride, layer.padding)))
    function = "max_pool" if isinstance(layer, MaxPool2d) else "avg_pool"
    return plan.call(function, X, (X.shape[0], *size), window)


def _global_pool(plan: Plan, layer: GlobalAvgPool2d, params: Params, X: Tensor) -> Tensor:
    C = X.shape[0]
    return plan.call("global_avg_pool", X, (C,), C, X.size // C)


def _batch_norm(plan: Plan, layer: BatchNorm, params: Params, X: Tensor) -> Tensor:
    arrays = [plan.array(params, name) for name in ("weight", "bias", "running_mean")]
    std = plan.values("std", np.sqrt(params["running_var"] + layer.eps))
    C = X.shape[0]
    return plan.in_place("batch_norm", X, *arrays, std, C, X.size // C)


def _normalize(plan: Plan, layer: Normalize, params: Params, X: Tensor) -> Tensor:
    arrays = plan.array(params, "mean"), plan.array(params, "std")
    C = len(params["mean"])
    return plan.in_place("normalize", X, *arrays, C, X.size // C)


def _activation(function: str) -> Write:
    return lambda plan, _, __, X: plan.in_place(function, X, X.size)


def _leaky_relu(plan: Plan, layer: LeakyReLU, params: Params, X: Tensor) -> Tensor:
    return plan.in_place("leaky_relu", X, X.size, source.number(layer.slope))


def _identity(plan: Plan, layer: Dropout | Dropout2d, params: Params, X: Tensor) -> Tensor:
    return X  # dropout acts in training only


def _flatten(plan: Plan, layer: Flatten, params: Params, X: Tensor) -> Tensor:
    return Tensor(X.buffer, (X.size,))


def _sequential(plan: Plan, layer: Sequential, params: Params, X: Tensor) -> Tensor:
    return plan.chain(layer.layers, params, X)


def _residual(plan: Plan, layer: Residual, params: Params, X: Tensor) -> Tensor:
    outside = plan.path
    plan.keep(X)
    plan.path = f"{outside}_body"
    body = plan.chain(layer.body, params["body"], X)
    plan.path = f"{outside}_shortcut"
    shortcut = plan.chain(layer.shortcut, params["shortcut"], X)
    plan.path = outside
    return plan.add(body, shortcut)


LAYERS: dict[type[Any], Write] = {
    Dense: _dense,
    Conv2d: _conv,
    MaxPool2d: _pool,
    AvgPool2d: _pool,
    GlobalAvgPool2d: _global_pool,
    Flatten: _flatten,
    BatchNorm: _batch_norm,
    Normalize: _normalize,
    ReLU: _activation("relu"),
    LeakyReLU: _leaky_relu,
    Sigmoid: _activation("sigmoid"),
    Tanh: _activation("tanh"),
    SiLU: _activation("silu"),
    Dropout: _identity,
    Dropout2d: _identity,
    Sequential: _sequential,
    Residual: _residual,
}
