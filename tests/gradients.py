"""Gradients held against central differences, with negative controls.

A cotangent drawn at random makes one number of a layer's output: f = Σ dY·Y. The slope of f along
a direction is measured with two forward passes and compared with what the backward pass says.
Directions are single elements, and random ones through all elements of an array at once.
Everything is float64.

`handgrad.gradient_check` does the same in another way. This is written apart from it on purpose: a check
that is wrong in one of the two is found by the other, and neither is proven by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Context
from handgrad.params import flatten
from tests.cases import Case

STEP = 1e-5
TOLERANCE = 1e-7
ELEMENTS = 12  # how many single elements of a larger array are tried

Arrays = Mapping[str, Array]


def errors(ours: Arrays, theirs: Arrays) -> dict[str, float]:
    """Return, for each array, the norm of the difference as a share of the norm of theirs.

    An array that is zero but for rounding, such as the gradient of a bias before a batch norm, is
    measured against all arrays together.
    """
    assert set(ours) == set(theirs)
    norms = {name: float(np.linalg.norm(array)) for name, array in theirs.items()}
    together = float(np.linalg.norm(list(norms.values())))
    found = {}
    for name, norm in norms.items():
        difference = float(np.linalg.norm(ours[name] - theirs[name]))
        scale = norm if norm > 1e-8 * together else together
        found[name] = difference / scale if difference and scale else difference
    return found


class KinkedError(Exception):
    """The slope is not the same at half the step: a kink or a tie lies between."""


def check_layer(case: Case, training: bool, seed: int = 0) -> float:
    """Check a case against central differences, and the check against spoilt gradients.

    Inputs that sit on a kink or a tie are drawn again.

    Returns:
        The worst error.
    """
    for attempt in range(seed, seed + 100):
        try:
            return check_draw(case, training, attempt)
        except KinkedError:
            continue
    raise AssertionError("every draw sat on a kink")


def check_draw(case: Case, training: bool, seed: int) -> float:
    """Check a case with the arrays, the examples and the cotangent of one seed."""
    layer, params, X, ctx = case.chain, case.params(seed), case.examples(seed), Context(training)
    rng = np.random.default_rng((seed, 4))
    Y = layer.forward(params, X, ctx)[0].copy()  # a copy, for Flatten's Y is a view of X
    dY = rng.normal(size=Y.shape)

    found = gradients(layer, Point(params, X, ctx, dY))
    points = {"X": X, **flatten(params)}
    return check(
        lambda: float(np.vdot(dY, layer.forward(params, X, ctx)[0] - Y)),
        {name: points[name] for name in found},
        found,
        rng,
    )


def check(f: Callable[[], float], points: Arrays, found: Arrays, rng: np.random.Generator) -> float:
    """Check the gradients `found` of f at `points`, which f reads and which are moved in place.

    Returns:
        The worst error.
    """
    ways = {name: np.stack(list(directions(point.shape, rng))) for name, point in points.items()}
    slopes = {name: measure(f, point, ways[name], STEP) for name, point in points.items()}
    halved = {name: measure(f, point, ways[name], STEP / 2) for name, point in points.items()}
    if max(errors(halved, slopes).values()) > TOLERANCE / 4:
        raise KinkedError

    worst = compare(found, ways, slopes)
    assert max(worst.values()) <= TOLERANCE, worst
    for name, spoilt in spoils(found):
        assert compare(found | {name: spoilt}, ways, slopes)[name] > TOLERANCE, (
            f"a wrong gradient of {name} was accepted"
        )
    return max(worst.values())


def compare(found: Arrays, ways: Arrays, slopes: Arrays) -> dict[str, float]:
    """Return the errors of the slopes that gradients promise, against those measured."""
    promised = {
        name: ways[name].reshape(len(ways[name]), -1) @ array.reshape(-1)
        for name, array in found.items()
    }
    return errors(promised, slopes)


def directions(shape: tuple[int, ...], rng: np.random.Generator) -> Iterator[Array]:
    """Yield directions of length 1: some single elements, and three through all of them."""
    size = int(np.prod(shape))
    for element in rng.permutation(size)[:ELEMENTS]:
        way = np.zeros(size)
        way[element] = 1.0
        yield way.reshape(shape)
    for _ in range(3):
        way = rng.normal(size=shape)
        yield way / np.linalg.norm(way)


def measure(f: Callable[[], float], point: Array, ways: Array, step: float) -> Array:
    """Return the slope of f along each direction, by central differences."""
    start, slopes = point.copy(), np.zeros(len(ways))
    for index, way in enumerate(ways):
        point[...] = start + step * way
        above = f()
        point[...] = start - step * way
        slopes[index] = (above - f()) / (2 * step)
    point[...] = start
    return slopes


def spoils(found: Arrays) -> Iterator[tuple[str, Array]]:
    """Yield wrong gradients: each array zeroed, 1 % too large, and transposed or reversed.

    One that is right all the same, such as a zero gradient zeroed, is left out.
    """
    together = np.linalg.norm([float(np.linalg.norm(array)) for array in found.values()])
    for name, array in found.items():
        turned = array.T.reshape(array.shape) if array.ndim == 2 else np.flip(array)
        for spoilt in (0 * array, 1.01 * array, turned):
            if np.linalg.norm(spoilt - array) > 1e-6 * together:
                yield name, spoilt
