"""Suspects that ask: in which other world would this gradient be right?

The gradient is measured again with something changed, by central differences.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Scene
from handgrad.gradient_check.finite_differences import every_element
from handgrad.gradient_check.target import Point
from handgrad.layers import Array, Params


def another_world(scene: Scene) -> Cause | None:
    """The gradient is that of another function, or at another point."""
    for name, sentence, point in worlds(scene):
        try:
            right = every_element(scene.layer, point)[scene.tensor]
        except Exception:  # noqa: S112 (a user's layer may refuse the world in any way)
            continue
        if right.any() and scene.fits(right):
            return Cause(name, sentence)
    return None


def worlds(scene: Scene) -> Iterator[tuple[str, str, Point]]:
    """Yield worlds: the cause if the gradient is right there, and the point changed."""
    point, Y = scene.point, scene.Y
    ones = np.ones_like(point.dY)
    yield (
        "dY ignored",
        "dY is ignored: it is the gradient for a dY of ones",
        point._replace(dY=ones),
    )
    for n, which in ((0, "first"), (len(point.X) - 1, "last")):
        alone = np.zeros_like(point.dY)
        if alone.shape[:1] == point.X.shape[:1]:
            alone[n] = point.dY[n]
            sentence = f"only the {which} example of the batch is counted"
            yield "one example only", sentence, point._replace(dY=alone)
    if Y.shape == point.X.shape:
        sentence = "the derivative is taken at the output Y, and must be taken at the input X"
        yield "wrong point", sentence, point._replace(X=Y.copy())
    sentence = "the derivative is taken at X brought to mean 0 and deviation 1, not at X"
    yield "wrong point", sentence, point._replace(X=standardized(point.X))
    yield (
        "X ignored",
        "X is ignored: it is as if X were ones",
        point._replace(X=np.ones_like(point.X)),
    )
    yield from _other_arrays(point)


def _other_arrays(point: Point) -> Iterator[tuple[str, str, Point]]:
    """Yield worlds in which an array of the layer is another."""
    for name, array in point.params.items():
        if not isinstance(array, np.ndarray):
            continue
        for what, turned in turns(array):
            sentence = f"{name} is {what} on the way back"
            yield "transposed", sentence, point._replace(params=_with(point.params, name, turned))
        ones = _with(point.params, name, np.ones_like(array))
        yield "missing factor", f"{name} is left out on the way back", point._replace(params=ones)


def turns(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield an array transposed and turned, as far as its shape stays the same."""
    if array.ndim >= 2:
        other = np.swapaxes(array, 0, 1)
        if other.shape == array.shape:
            yield "transposed", other.copy()
    if array.ndim == 4:
        yield "turned by 180 degrees", array[:, :, ::-1, ::-1].copy()
        last = np.swapaxes(array, 2, 3)
        if last.shape == array.shape:
            yield "transposed within the window", last.copy()


def standardized(X: Array) -> Array:
    """Return X brought to mean 0 and deviation 1 over all axes but 1."""
    axes = (0, *range(2, X.ndim))
    deviation: Array = X - X.mean(axis=axes, keepdims=True)
    return deviation / (deviation.std(axis=axes, keepdims=True) + 1e-12)


def _with(params: Params, name: str, array: Array) -> Params:
    return params | {name: array}
