"""A suspect that mends: what must be changed in what backward is given, for it to be right?

A backward that takes its derivative at the wrong point reads the wrong array of its cache. Put
another one in that place, and it comes out right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handgrad.gradient_check.diagnosis.alternatives import standardized, turns
from handgrad.gradient_check.diagnosis.evidence import CLOSE, Cause, Scene, close
from handgrad.layers import Array, Params
from handgrad.params import flatten

ROUGHLY = 1e-3  # a batch norm's ε is not known


def mended(scene: Scene) -> Cause | None:
    """Another array in the cache, or one of the layer's turned, makes backward right."""
    return _another_point(scene) or _turned_back(scene) or _another_cotangent(scene)


def _another_point(scene: Scene) -> Cause | None:
    """Another array in the cache makes backward right."""
    params, X, ctx, _ = scene.point
    _, cache = scene.layer.forward(params, X, ctx)
    inside = [(array, put) for array, put in arrays_in(cache) if array.dtype.kind == "f"]
    pool = {
        "the input X": X,
        "the output Y": scene.Y,
        "the input brought to mean 0 and deviation 1": standardized(X),
    } | {f"array {place} of the cache": array for place, (array, _) in enumerate(inside)}
    for array, put in inside:
        there = next((name for name, other in pool.items() if np.array_equal(array, other)), "")
        for name, other in pool.items():
            if array.shape == other.shape and _right(scene, params, put(other)):
                words = f"the derivative is taken at {there}, and must be taken at {name}"
                return _another_size(there, array, other) or Cause("wrong point", words)
    return None


def _another_size(there: str, array: Array, other: Array) -> Cause | None:
    """Return what is wrong where the other array is the same one, but for a factor."""
    factor = float(np.vdot(array, other) / (np.vdot(array, array) or 1))
    if not close(factor * array, other):
        return None
    words = f"{there} must be {factor:.6g} times as large on the way back"
    N = len(array)
    if N > 1 and abs(factor**2 - N / (N - 1)) < ROUGHLY:
        words += ": the variance is ÷ (N - 1) in forward, and ÷ N in backward"
    return Cause("wrong factor", words)


def _turned_back(scene: Scene) -> Cause | None:
    """One of the layer's arrays, transposed or turned, makes backward right."""
    params, X, ctx, _ = scene.point
    _, cache = scene.layer.forward(params, X, ctx)
    for name, array in params.items():
        for what, turned in turns(array) if isinstance(array, np.ndarray) else ():
            if _right(scene, params | {name: turned}, cache):
                return Cause("transposed", f"{name} must be {what} on the way back")
    return None


def _another_cotangent(scene: Scene) -> Cause | None:
    """The way back through the last step of forward is left out: with it, backward is right."""
    params, X, ctx, dY = scene.point
    if scene.Y.shape != dY.shape or scene.Y.ndim < 2:
        return None
    _, cache = scene.layer.forward(params, X, ctx)
    Y, Y_hat = scene.Y, standardized(scene.Y)
    passed_on = {
        "tanh": dY * (1 - Y * Y),
        "the sigmoid": dY * Y * (1 - Y),
        "ReLU": dY * (Y > 0),
        "softmax": Y * (dY - (dY * Y).sum(axis=1, keepdims=True)),
    }
    for name, other in passed_on.items():
        if _right(scene, params, cache, other):
            return Cause("derivative missing", f"the way back through {name} is left out")
    if _right(scene, params, cache, without_statistics(dY, Y_hat), ROUGHLY):
        words = "the mean and variance of the batch are treated as constant"
        return Cause("statistics as constants", words)
    return None


def without_statistics(dY: Array, Y_hat: Array) -> Array:
    """Return what batch norm leaves of a cotangent, but for its scale."""
    axes = (0, *range(2, dY.ndim))
    mean = dY.mean(axis=axes, keepdims=True)
    share: Array = dY - mean - Y_hat * (dY * Y_hat).mean(axis=axes, keepdims=True)
    return share


def arrays_in(cache: Any) -> Iterator[tuple[Array, Callable[[Array], Any]]]:
    """Yield each array in a cache, and a function that puts another in its place."""
    if isinstance(cache, np.ndarray):
        yield cache, lambda other: other
    items: Any = ()
    if isinstance(cache, (tuple, list)):
        items = enumerate(cache)
    elif isinstance(cache, dict):
        items = cache.items()
    for key, value in items:
        for array, put in arrays_in(value):
            yield array, _putting(cache, key, put)


def _putting(cache: Any, key: Any, put: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """Return a function that gives the cache with another array under a key."""

    def other_cache(other: Array) -> Any:
        if isinstance(cache, dict):
            return cache | {key: put(other)}
        values = [put(other) if k == key else value for k, value in enumerate(cache)]
        if hasattr(cache, "_make"):
            return type(cache)._make(values)
        return type(cache)(values)

    return other_cache


def _right(
    scene: Scene, params: Params, cache: Any, dY: Array | None = None, bound: float = CLOSE
) -> bool:
    """Say whether backward is right when it is given these."""
    try:
        dX, found = scene.layer.backward(params, cache, scene.point.dY if dY is None else dY)
        gradient = {"X": dX, **flatten(found)}[scene.tensor]
        return close(np.asarray(gradient), scene.due, bound)
    except Exception:  # a user's layer may refuse it in any way
        return False
