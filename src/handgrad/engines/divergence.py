"""Where a number stopped being finite: found by walking the step once more, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DivergenceError
from handgrad.layers import Array, Context
from handgrad.network import Network, layer_name
from handgrad.params import flatten
from handgrad.train_config import TrainConfig


def all_finite(arrays: Mapping[str, Array]) -> bool:
    """Say whether all numbers are finite; the sum of squares is quick, and settles most cases."""
    return all(math.isfinite(np.vdot(a, a)) or np.isfinite(a).all() for a in arrays.values())


def diverged(
    net: Network,
    config: TrainConfig,
    ctx: Context,
    X: NDArray[Any],
    y: NDArray[np.integer[Any]],
    weights: Array | None,
) -> DivergenceError:
    """Return the error that names where this step, not yet made, first meets inf or NaN."""
    where, what = _first_not_finite(net, config, ctx, X, y, weights)
    return _error(ctx.step, where, what)


def overflowed(net: Network, step: int) -> DivergenceError:
    """Return the error that names the layer whose arrays this step, just made, has spoilt."""
    name = next(name for name, array in net.arrays.items() if not np.isfinite(array).all())
    index = int(name.split(".")[0])
    what = f"{name.split('.')[-1]} after the update"
    # The statistics of batch norm follow from the weights before it.
    return _error(step, layer_name(net.layers, index), what, by_update=name in net.parameters)


def optimizer_state_overflowed(
    net: Network, memory: Mapping[str, Mapping[str, Array]], step: int
) -> DivergenceError | None:
    """Return the error that names the layer whose optimizer's state is spoilt; None: all is well.

    A gradient may be finite, and its square not: the parameter then stands still for ever.
    """
    for name, kinds in memory.items():
        if not all_finite(kinds):
            where = layer_name(net.layers, int(name.split(".")[0]))
            return _error(step, where, f"the optimizer's state of {name.split('.')[-1]}")
    return None


def _error(step: int, where: str, what: str, by_update: bool = False) -> DivergenceError:
    return DivergenceError(
        f"step {step}, {where}: {what} is not finite; "
        "lower the learning rate, set clip_norm, or look for bad images",
        step=step,
        layer=where,
        by_update=by_update,
    )


def _first_not_finite(
    net: Network,
    config: TrainConfig,
    ctx: Context,
    X: NDArray[Any],
    y: NDArray[np.integer[Any]],
    weights: Array | None,
) -> tuple[str, str]:
    """Return the layer, and the number in it, where a step first meets inf or NaN."""
    A, caches = net.as_input(X), []
    if not np.isfinite(A).all():
        return "input", "a pixel"
    for index, layer in enumerate(net.layers):
        A, cache = layer.forward(net.tree[str(index)], A, ctx.inside(index))
        caches.append(cache)
        if not np.isfinite(A).all():
            return layer_name(net.layers, index), "its output"
    loss, dA = config.loss(A, y, weights)
    if not (math.isfinite(loss) and np.isfinite(dA).all()):
        return "loss", "the loss"
    for index, layer in reversed(list(enumerate(net.layers))):
        dA, gradients = layer.backward(net.tree[str(index)], caches[index], dA)
        if not (np.isfinite(dA).all() and all_finite(flatten(gradients))):
            return layer_name(net.layers, index), "its gradient"
    return "loss", "the loss"
