"""Hypotheses that the gradient is right for another function or at another point.

To test these hypotheses, central differences compute the gradient of the changed function or point.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence
from handgrad.gradient_check.finite_differences import every_element
from handgrad.gradient_check.target import Point
from handgrad.layers import Array, Params


def alternative_point(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient is right for another function or at another point."""
    for name, sentence, point in alternatives(evidence):
        try:
            right = every_element(evidence.layer, point)[evidence.tensor]
        except Exception:  # noqa: S112 (a user's layer may raise anything)
            continue
        if right.any() and evidence.fits(right):
            return Cause(name, sentence)
    return None


def alternatives(evidence: Evidence) -> Iterator[tuple[str, str, Point]]:
    """Yield other points, each with the cause to report if the gradient is right at this point."""
    point, Y = evidence.point, evidence.Y
    ones = np.ones_like(point.dY)
    yield (
        "dY ignored",
        "dY is ignored: the gradient is computed as if all elements of dY were 1",
        point._replace(dY=ones),
    )
    for n, which in ((0, "first"), (len(point.X) - 1, "last")):
        alone = np.zeros_like(point.dY)
        if alone.shape[:1] == point.X.shape[:1]:
            alone[n] = point.dY[n]
            sentence = f"only the {which} example of the batch is used"
            yield "one example only", sentence, point._replace(dY=alone)
    if Y.shape == point.X.shape:
        sentence = "the derivative is taken at the output Y, but must be taken at the input X"
        yield "wrong point", sentence, point._replace(X=Y.copy())
    sentence = "the derivative is taken at X scaled to mean 0 and standard deviation 1, not at X"
    yield "wrong point", sentence, point._replace(X=standardized(point.X))
    yield (
        "X ignored",
        "X is ignored: the gradient is computed as if all elements of X were 1",
        point._replace(X=np.ones_like(point.X)),
    )
    yield from _other_arrays(point)


def _other_arrays(point: Point) -> Iterator[tuple[str, str, Point]]:
    """Yield copies of the point in which one of the layer's arrays is changed."""
    for name, array in point.params.items():
        if not isinstance(array, np.ndarray):
            continue
        for change, turned in turns(array):
            sentence = f"{name} is {change} in backward"
            yield "transposed", sentence, point._replace(params=_with(point.params, name, turned))
        ones = _with(point.params, name, np.ones_like(array))
        yield "missing factor", f"{name} is missing in backward", point._replace(params=ones)


def turns(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield the transpositions and rotations of an array that keep its shape."""
    if array.ndim >= 2:
        other = np.swapaxes(array, 0, 1)
        if other.shape == array.shape:
            yield "transposed", other.copy()
    if array.ndim == 4:
        yield "rotated by 180 degrees", array[:, :, ::-1, ::-1].copy()
        last = np.swapaxes(array, 2, 3)
        if last.shape == array.shape:
            yield "transposed within the window", last.copy()


def standardized(X: Array) -> Array:
    """Standardize X to mean 0 and standard deviation 1 over all axes except axis 1."""
    axes = (0, *range(2, X.ndim))
    deviation: Array = X - X.mean(axis=axes, keepdims=True)
    return deviation / (deviation.std(axis=axes, keepdims=True) + 1e-12)


def _with(params: Params, name: str, array: Array) -> Params:
    return params | {name: array}
