"""Hypotheses about backward's inputs: if an input is corrected, the gradient is right.

For example, a backward that takes the derivative at the wrong point uses the wrong array of its
cache. If this array is replaced by the right one, the gradient becomes right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handgrad.gradient_check.diagnosis.alternatives import standardized, turns
from handgrad.gradient_check.diagnosis.evidence import CLOSE, Cause, Evidence, close
from handgrad.layers import Array, Params
from handgrad.params import flatten

ROUGHLY = 1e-3  # the ε of a batch norm is unknown


def wrong_input(evidence: Evidence) -> Cause | None:
    """Hypothesis: backward uses a wrong array of the cache, a wrong parameter or a wrong dY."""
    return (
        _another_point(evidence) or _transposed_parameter(evidence) or _another_cotangent(evidence)
    )


def _another_point(evidence: Evidence) -> Cause | None:
    """Hypothesis: with another array in the cache, backward returns the right gradient."""
    params, X, ctx, _ = evidence.point
    _, cache = evidence.layer.forward(params, X, ctx)
    inside = [(array, put) for array, put in arrays_in(cache) if array.dtype.kind == "f"]
    pool = {
        "the input X": X,
        "the output Y": evidence.Y,
        "the input scaled to mean 0 and deviation 1": standardized(X),
    } | {f"array {index} of the cache": array for index, (array, _) in enumerate(inside)}
    for array, put in inside:
        there = next((name for name, other in pool.items() if np.array_equal(array, other)), "")
        for name, other in pool.items():
            if array.shape == other.shape and _right(evidence, params, put(other)):
                words = f"the derivative is taken at {there}, but must be taken at {name}"
                return _another_size(there, array, other) or Cause("wrong point", words)
    return None


def _another_size(there: str, array: Array, other: Array) -> Cause | None:
    """Return the cause if the right array, `other`, is a multiple of the array in use."""
    factor = float(np.vdot(array, other) / (np.vdot(array, array) or 1))
    if not close(factor * array, other):
        return None
    words = f"{there} must be {factor:.6g} times as large in backward"
    N = len(array)
    if N > 1 and abs(factor**2 - N / (N - 1)) < ROUGHLY:
        words += ": the variance is divided by N - 1 in forward, and by N in backward"
    return Cause("wrong factor", words)


def _transposed_parameter(evidence: Evidence) -> Cause | None:
    """Hypothesis: with a transposed or rotated parameter, backward returns the right gradient."""
    params, X, ctx, _ = evidence.point
    _, cache = evidence.layer.forward(params, X, ctx)
    for name, array in params.items():
        for change, turned in turns(array) if isinstance(array, np.ndarray) else ():
            if _right(evidence, params | {name: turned}, cache):
                return Cause("transposed", f"{name} must be {change} in backward")
    return None


def _another_cotangent(evidence: Evidence) -> Cause | None:
    """Hypothesis: the derivative of the last operation of forward is missing in backward."""
    params, X, ctx, dY = evidence.point
    if evidence.Y.shape != dY.shape or evidence.Y.ndim < 2:
        return None
    _, cache = evidence.layer.forward(params, X, ctx)
    Y, Y_hat = evidence.Y, standardized(evidence.Y)
    cotangents = {
        "tanh": dY * (1 - Y * Y),
        "the sigmoid": dY * Y * (1 - Y),
        "ReLU": dY * (Y > 0),
        "softmax": Y * (dY - (dY * Y).sum(axis=1, keepdims=True)),
    }
    for name, other in cotangents.items():
        if _right(evidence, params, cache, other):
            return Cause("derivative missing", f"the derivative of {name} is missing")
    if _right(evidence, params, cache, without_statistics(dY, Y_hat), ROUGHLY):
        words = "the mean and variance of the batch are treated as constant"
        return Cause("statistics as constants", words)
    return None


def without_statistics(dY: Array, Y_hat: Array) -> Array:
    """Return the result of batch norm's backward pass on the cotangent, except for a factor."""
    axes = (0, *range(2, dY.ndim))
    mean = dY.mean(axis=axes, keepdims=True)
    share: Array = dY - mean - Y_hat * (dY * Y_hat).mean(axis=axes, keepdims=True)
    return share


def arrays_in(cache: Any) -> Iterator[tuple[Array, Callable[[Array], Any]]]:
    """Yield each array in a cache, and a function that replaces it in a copy of the cache."""
    if isinstance(cache, np.ndarray):
        yield cache, lambda other: other
    items: Any = ()
    if isinstance(cache, (tuple, list)):
        items = enumerate(cache)
    elif isinstance(cache, dict):
        items = cache.items()
    for key, value in items:
        for array, put in arrays_in(value):
            yield array, _replacing(cache, key, put)


def _replacing(cache: Any, key: Any, put: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """Return a function that copies the cache and replaces the array under a key."""

    def other_cache(other: Array) -> Any:
        if isinstance(cache, dict):
            return cache | {key: put(other)}
        values = [put(other) if k == key else value for k, value in enumerate(cache)]
        if hasattr(cache, "_make"):
            return type(cache)._make(values)
        return type(cache)(values)

    return other_cache


def _right(
    evidence: Evidence, params: Params, cache: Any, dY: Array | None = None, bound: float = CLOSE
) -> bool:
    """Return whether backward computes the right gradient from these inputs."""
    try:
        dX, found = evidence.layer.backward(params, cache, evidence.point.dY if dY is None else dY)
        gradient = {"X": dX, **flatten(found)}[evidence.tensor]
        return close(np.asarray(gradient), evidence.expected, bound)
    except Exception:  # a user's layer may raise anything
        return False
