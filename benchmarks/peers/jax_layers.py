"""JAX functions that compute the layers, with channels last; they return the new buffers."""

# ruff: noqa: ARG001  all translations have the same parameters

from __future__ import annotations

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from handgrad import layers
from handgrad.layers.im2col import pair

Params = dict[str, Any]


def chain(parts: tuple[layers.Layer, ...], arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    """Return the output of a chain of layers and the new buffers."""
    after = {}
    for index, layer in enumerate(parts):
        name = str(index)
        X, after[name] = forward(layer, arrays[name], X, jax.random.fold_in(key, index))
    return X, after


@singledispatch
def forward(layer: layers.Layer, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    """Return the output of a layer and its new buffers."""
    raise NotImplementedError(f"this competitor does not support {type(layer).__name__}")


@forward.register
def _(layer: layers.Normalize, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return X, arrays  # the inputs are standardized already


@forward.register
def _(layer: layers.Flatten, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return X.reshape(len(X), -1), {}


@forward.register
def _(layer: layers.Dense, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return X @ arrays["weight"] + arrays["bias"], {}


@forward.register
def _(layer: layers.Conv2d, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    padding = [(size, size) for size in pair(layer.padding)]
    layout = ("NHWC", "HWIO", "NHWC")
    Y = lax.conv_general_dilated(
        X, arrays["weight"], pair(layer.stride), padding, dimension_numbers=layout
    )
    return Y + arrays["bias"], {}


@forward.register
def _(layer: layers.MaxPool2d, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return _tiles(layer, X).max(axis=(2, 4)), {}


@forward.register
def _(layer: layers.AvgPool2d, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return _tiles(layer, X).mean(axis=(2, 4)), {}


def _tiles(layer: layers.MaxPool2d | layers.AvgPool2d, X: Any) -> Any:
    """(N, H, W, C) -> (N, H/k, k, W/k, k, C).

    The gradient of a reshape is cheaper to compute than that of a window operation.
    """
    (N, H, W, C), (down, across) = X.shape, pair(layer.kernel)
    if layer.padding != 0 or layer.stride not in (None, layer.kernel):
        raise NotImplementedError("this competitor supports only adjacent windows without padding")
    rows, columns = H // down, W // across
    X = X[:, : rows * down, : columns * across]
    return X.reshape(N, rows, down, columns, across, C)


@forward.register
def _(layer: layers.GlobalAvgPool2d, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return X.mean(axis=(1, 2)), {}


@forward.register
def _(layer: layers.BatchNorm, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    axes = tuple(range(X.ndim - 1))
    mean, var = X.mean(axes), X.var(axes)
    Y = (X - mean) * (arrays["weight"] * lax.rsqrt(var + layer.eps)) + arrays["bias"]
    count = X.size // X.shape[-1]
    new = {"running_mean": mean, "running_var": var * (count / max(count - 1, 1))}
    keep = 1 - layer.momentum
    return Y, {name: keep * arrays[name] + layer.momentum * new[name] for name in new}


@forward.register
def _(layer: layers.ReLU, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return jax.nn.relu(X), {}


@forward.register
def _(layer: layers.LeakyReLU, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return jax.nn.leaky_relu(X, layer.slope), {}


@forward.register
def _(layer: layers.Tanh, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return jnp.tanh(X), {}


@forward.register
def _(layer: layers.Dropout, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return _dropped(layer.p, X, X.shape, key), {}


@forward.register
def _(layer: layers.Dropout2d, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    return _dropped(layer.p, X, (len(X), 1, 1, X.shape[-1]), key), {}


def _dropped(p: float, X: Any, shape: tuple[int, ...], key: Any) -> Any:
    return jnp.where(jax.random.bernoulli(key, 1 - p, shape), X / (1 - p), 0)


@forward.register
def _(layer: layers.Residual, arrays: Params, X: Any, key: Any) -> tuple[Any, Params]:
    ways = {"body": layer.body, "shortcut": layer.shortcut}
    came = {name: chain(way, arrays[name], X, key) for name, way in ways.items()}
    (body, body_after), (shortcut, shortcut_after) = came["body"], came["shortcut"]
    return body + shortcut, {"body": body_after, "shortcut": shortcut_after}
