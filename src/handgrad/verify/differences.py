"""The first witness: central differences. It knows nothing but the forward pass.

The function is f = Σ dY·Y with a cotangent dY drawn at random. Its slope along a direction v is

    slope(h) = (f(x + hv) − f(x − hv)) / 2h

and Richardson's combination of two of them, (4·slope(h/2) − slope(h))/3, is right up to terms
of h⁴. Directions are single elements, and random ones through all elements of an array at once.
One that crosses a kink or a tie has no slope: it is drawn again, and if that is not possible, the
whole point is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers import Array, Layer
from handgrad.verify.subject import SAMPLE, Point, Subject, gradients, places
from handgrad.verify.witness import Testimony, Witness, scale_of

BOUND = 1e-7
STEP = 1e-5
KINK = 1e-8  # what a slope may change between h and h/2, as a share of all slopes
THROUGH_ALL = 3  # random directions through all elements of an array
DRAWS = 100  # how often a point is drawn before we give up

Way = int | Array  # a direction: an element's place, or a unit vector through all


class KinkError(Exception):
    """There are not enough directions without a kink at this point."""


class Slope(NamedTuple):
    """The slope along one direction, and how much of it may come from a kink."""

    value: float
    doubt: float


def witness(subject: Subject, training: bool, seed: int) -> tuple[Point, Witness]:
    """Return a point, and what central differences say there.

    Raises:
        ModelError: where every point drawn sits on a kink.
    """
    for attempt in range(DRAWS):
        point = subject.point(seed + 1000 * attempt, training)
        try:
            said = measured(subject, point, np.random.default_rng((seed, 2)))
        except KinkError:
            continue
        return point, Witness("differences", BOUND, gradients(subject.layer, point), said)
    raise ModelError(
        f"{subject.name}: forward has no slope at any of {DRAWS} points; it jumps everywhere, or "
        "draws numbers that do not come from ctx"
    )


def measured(subject: Subject, point: Point, rng: np.random.Generator) -> dict[str, Testimony]:
    """Return the slopes along directions of all arrays, none of which crosses a kink."""
    f = function(subject.layer, point)
    arrays = places(subject.layer, point)
    spare = {name: _single(array, rng) for name, array in arrays.items()}
    ways = {
        name: [*_first(spare[name], _count(array, subject)), *_through_all(array, rng)]
        for name, array in arrays.items()
    }
    slopes = {name: [slope(f, arrays[name], way) for way in ways[name]] for name in arrays}
    norms = {name: float(np.linalg.norm([s.value for s in slopes[name]])) for name in arrays}
    for name, array in arrays.items():
        bound = KINK * scale_of(norms, name)
        for k, way in enumerate(ways[name]):
            others = spare[name] if isinstance(way, int) else _more_through_all(array, rng)
            while slopes[name][k].doubt > bound:
                other = next(others, None)
                if other is None:
                    raise KinkError
                ways[name][k] = other
                slopes[name][k] = slope(f, array, other)
    return {name: _testimony(array, ways[name], slopes[name]) for name, array in arrays.items()}


def every_element(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the whole gradients, kinks or not."""
    f = function(layer, point)
    return {
        name: np.array([slope(f, array, k).value for k in range(array.size)]).reshape(array.shape)
        for name, array in places(layer, point).items()
    }


def function(layer: Layer, point: Point) -> Callable[[], float]:
    """Return f less its value at the point, for small numbers are rounded less.

    It reads the arrays of the point, which may be moved in place.
    """
    params, X, ctx, dY = point
    start = np.array(layer.forward(params, X, ctx)[0])  # a copy, for Flatten's Y is a view of X

    def f() -> float:
        return float(np.vdot(dY, layer.forward(params, X, ctx)[0] - start))

    return f


def slope(f: Callable[[], float], array: Array, way: Way) -> Slope:
    """Return the slope of f along a direction in an array, which is moved and put back.

    Two signs give a kink away: the slopes at h and h/2 differ, or the curvatures do. The first is
    blind to a kink in the very middle, the second to one at h/3; together they see all.
    """
    flat = array.reshape(-1)
    part, direction = (slice(way, way + 1), 1.0) if isinstance(way, int) else (slice(None), way)
    start = flat[part].copy()

    def at(distance: float) -> float:
        flat[part] = start + distance * direction
        return f()

    above, near, behind, below = at(STEP), at(STEP / 2), at(-STEP / 2), at(-STEP)
    flat[part] = start
    whole, half = (above - below) / (2 * STEP), (near - behind) / STEP
    bent = (above + below - 4 * (near + behind)) / STEP
    return Slope((4 * half - whole) / 3, max(abs(whole - half), abs(bent)))


def _count(array: Array, subject: Subject) -> int:
    """Return how many elements of an array are tried one by one."""
    return array.size if array.size <= subject.elements else SAMPLE


def _single(array: Array, rng: np.random.Generator) -> Iterator[int]:
    """Yield the places of all elements, in random order."""
    yield from rng.permutation(array.size).tolist()


def _first(places: Iterator[int], count: int) -> list[Way]:
    return [next(places) for _ in range(count)]


def _through_all(array: Array, rng: np.random.Generator) -> list[Way]:
    """Return random directions of length 1."""
    ways = rng.normal(size=(THROUGH_ALL, array.size))
    return list(ways / np.linalg.norm(ways, axis=1, keepdims=True))


def _more_through_all(array: Array, rng: np.random.Generator) -> Iterator[Way]:
    """Yield as many as may be needed where a large network has a kink in most."""
    for _ in range(DRAWS):
        yield from _through_all(array, rng)


def _testimony(array: Array, ways: list[Way], slopes: list[Slope]) -> Testimony:
    """Return what the slopes along some directions say of a gradient."""
    elements = np.array([way for way in ways if isinstance(way, int)])
    through = [way for way in ways if not isinstance(way, int)]

    def measure(gradient: Array) -> Array:
        flat = gradient.reshape(-1).astype(np.float64)
        return np.array([*flat[elements], *(way @ flat for way in through)])

    return Testimony(array.shape, elements, np.array([s.value for s in slopes]), measure)
