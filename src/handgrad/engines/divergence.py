"""Repeats a training step layer by layer to find the first layer with a non-finite value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DivergenceError
from handgrad.freeze import frozen_layers
from handgrad.layers import Array, Context
from handgrad.network import Network, layer_name
from handgrad.params import flatten
from handgrad.train_config import TrainConfig


def all_finite(arrays: Mapping[str, Array]) -> bool:
    """Return whether all values are finite, which a finite sum of squares usually proves."""
    return all(math.isfinite(np.vdot(a, a)) or np.isfinite(a).all() for a in arrays.values())


def diverged(
    net: Network,
    config: TrainConfig,
    ctx: Context,
    X: NDArray[Any],
    y: NDArray[np.integer[Any]],
    weights: Array | None,
) -> DivergenceError:
    """Return an error that names the first layer in which the next step yields inf or NaN."""
    where, what = _first_not_finite(net, config, ctx, X, y, weights)
    return _error(ctx.step, where, what)


def overflowed(net: Network, step: int) -> DivergenceError:
    """Return an error that names the layer whose arrays became inf or NaN in the given step."""
    name = next(name for name, array in net.arrays.items() if not np.isfinite(array).all())
    index = int(name.split(".")[0])
    what = f"{name.split('.')[-1]} after the update"
    # The statistics of batch norm follow from the weights before it.
    return _error(step, layer_name(net.layers, index), what, by_update=name in net.parameters)


def optimizer_state_overflowed(
    net: Network, state: Mapping[str, Mapping[str, Array]], step: int
) -> DivergenceError | None:
    """Return an error that names a layer with inf or NaN in its optimizer state, or None.

    The result is None if all states are finite. A state can become infinite because the square of a
    finite gradient can overflow. The parameter with this state would then never change again.
    """
    for name, kinds in state.items():
        if not all_finite(kinds):
            where = layer_name(net.layers, int(name.split(".")[0]))
            return _error(step, where, f"the optimizer's state of {name.split('.')[-1]}")
    return None


def _error(step: int, where: str, what: str, by_update: bool = False) -> DivergenceError:
    return DivergenceError(
        f"step {step}, {where}: {what} is not finite; "
        "lower the learning rate, set clip_norm, or check the images for errors",
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
    """Return the first layer with inf or NaN in a step, and the name of the value."""
    if not np.isfinite(net.as_input(X)).all():
        return "input", "a pixel"
    cache, frozen = [], frozen_layers(net, config.freeze)
    for forward in net.walk(X, ctx, frozen=frozen):
        cache.append(forward.cache)
        if not np.isfinite(forward.Y).all():
            return forward.name, "its output"
    loss, dlogits = config.loss(forward.Y, y, weights)
    if not (math.isfinite(loss) and np.isfinite(dlogits).all()):
        return "loss", "the loss"
    for backward in net.walk_back(cache, dlogits, to_input=not frozen, frozen=frozen):
        dX_is_finite = backward.dX is None or np.isfinite(backward.dX).all()
        if not (dX_is_finite and all_finite(flatten(backward.gradients))):
            return backward.name, "its gradient"
    return "loss", "the loss"
