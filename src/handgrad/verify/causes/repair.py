"""A suspect that mends: what must be changed in what backward is given, for it to be right?

A backward that takes its derivative at the wrong point reads the wrong array of its cache. Put
another one in that place, and it comes out right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handgrad.arrays import flatten
from handgrad.layers import Array
from handgrad.verify.causes.scene import Cause, Scene, close
from handgrad.verify.causes.worlds import standardized, turns


def mended(scene: Scene) -> Cause | None:
    """Another array in the cache, or one of the layer's turned, makes backward right."""
    return _another_point(scene) or _turned_back(scene)


def _another_point(scene: Scene) -> Cause | None:
    """Another array in the cache makes backward right."""
    params, X, ctx, _ = scene.point
    _, cache = scene.layer.forward(params, X, ctx)
    inside = list(arrays_in(cache))
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
                return Cause("wrong point", words)
    return None


def _turned_back(scene: Scene) -> Cause | None:
    """One of the layer's arrays, transposed or turned, makes backward right."""
    params, X, ctx, _ = scene.point
    _, cache = scene.layer.forward(params, X, ctx)
    for name, array in params.items():
        for what, turned in turns(array) if isinstance(array, np.ndarray) else ():
            if _right(scene, params | {name: turned}, cache):
                return Cause("transposed", f"{name} must be {what} on the way back")
    return None


def arrays_in(cache: Any) -> Iterator[tuple[Array, Callable[[Array], Any]]]:
    """Yield each array in a cache, and a function that puts another in its place."""
    if isinstance(cache, np.ndarray) and np.issubdtype(cache.dtype, np.floating):
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


def _right(scene: Scene, params: Any, cache: Any) -> bool:
    """Say whether backward is right when it is given these."""
    try:
        dX, found = scene.layer.backward(params, cache, scene.point.dY)
        gradient = {"X": dX, **flatten(found)}[scene.tensor]
        return close(np.asarray(gradient), scene.due)
    except Exception:  # a user's layer may refuse it in any way
        return False
