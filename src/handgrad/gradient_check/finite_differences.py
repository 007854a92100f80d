"""The first witness: central differences. It knows nothing but the forward pass.

The function is f = Σ dY·Y with a cotangent dY drawn at random. Its slope along a direction v is

    slope(h) = (f(x + hv) − f(x − hv)) / 2h

and Richardson's combination of two of them, (4·slope(h/2) − slope(h))/3, is right up to terms
of h⁴. Directions are single elements, and random ones through all elements of an array at once.
One that crosses a kink or a tie has no slope: it is drawn again, and if that is not possible, the
whole point is.

h is 1e-5. Where numbers are so large that rounding drowns the slope it is longer, and where forward
bends much it is shorter: both are told from a kink, which no other step makes go away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from handgrad.errors import ModelError
from handgrad.gradient_check.oracle import Testimony, Witness, scale_of
from handgrad.gradient_check.target import SAMPLE, Point, Subject, gradients, places
from handgrad.layers import Array, Layer

BOUND = 1e-7
STEP = 1e-5
LONGER, SHORTER = (1e-4, 1e-3, 1e-2, 1e-1, 1.0), (1e-6, 1e-7)
KINK = 1e-8  # what a slope may change between h and h/2, as a share of all slopes
GRAIN = 0.01 * float(np.finfo(np.float64).eps)  # f is rounded at least so much, as a share of Y
DEPENDS = 1e-12  # what Y may change by rounding, as a share
JUMP = 1e-3  # what f may change unevenly along one step, as a share of Y, and not jump
THROUGH_ALL = 3  # random directions through all elements of an array
DRAWS = 100  # how often a point is drawn before we give up

Way = int | Array  # a direction: an element's place, or a unit vector through all


class KinkError(Exception):
    """There are not enough directions without a kink at this point.

    Attributes:
        jumps: whether f changes much along one step.
    """

    def __init__(self, jumps: bool) -> None:
        super().__init__(jumps)
        self.jumps = jumps


class Slope(NamedTuple):
    """The slope along one direction, and how much of it may come from a kink."""

    value: float
    doubt: float


def witness(subject: Subject, training: bool, seed: int) -> tuple[Point, Witness]:
    """Return a point, and what central differences say there.

    Raises:
        ModelError: where every point drawn sits on a kink, or cannot be judged in float64.
    """
    jumps = 0
    for attempt in range(DRAWS):
        point = subject.point(seed + 1000 * attempt, training)
        try:
            said = measured(subject, point, np.random.default_rng((seed, 2)))
        except KinkError as error:
            jumps += error.jumps
            continue
        return point, Witness("differences", BOUND, gradients(subject.layer, point), said)
    if jumps > DRAWS / 2:
        raise ModelError(
            f"{subject.name}: forward has no slope at any of {DRAWS} points; it jumps everywhere, "
            f"changes much within {STEP:g}, or draws numbers that do not come from ctx"
        )
    raise ModelError(
        f"{subject.name}: differences in float64 cannot judge it at any of {DRAWS} points; its "
        "numbers are too large or bend too much, or forward rounds them, as float32 does"
    )


def measured(subject: Subject, point: Point, rng: np.random.Generator) -> dict[str, Testimony]:
    """Return the slopes along directions of all arrays, none of which crosses a kink."""
    f = function(subject.layer, point)
    size = _size(subject.layer, point)
    arrays = places(subject.layer, point)
    spare = {name: _single(array, rng) for name, array in arrays.items()}
    ways = {
        name: [*_first(spare[name], _count(array, subject)), *_through_all(array, rng)]
        for name, array in arrays.items()
    }
    slopes = {
        name: [slope(f, arrays[name], way, size=size) for way in ways[name]] for name in arrays
    }
    norms = {name: float(np.linalg.norm([s.value for s in slopes[name]])) for name in arrays}
    for name, array in arrays.items():
        bound = KINK * (scale_of(norms, name) or float(np.linalg.norm(point.dY)))
        for k, way in enumerate(ways[name]):
            others = spare[name] if isinstance(way, int) else _more_through_all(array, rng)
            while slopes[name][k].doubt > bound:
                other = next(others, None)
                if other is None:
                    slopes[name][k] = _settled(f, array, way, bound, size)
                    break
                ways[name][k] = way = other
                slopes[name][k] = slope(f, array, way, size=size)
    return {name: _testimony(array, ways[name], slopes[name]) for name, array in arrays.items()}


def every_element(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the whole gradients, kinks or not."""
    f, arrays, size = function(layer, point), places(layer, point), _size(layer, point)
    slopes = {
        name: [slope(f, array, k, size=size) for k in range(array.size)]
        for name, array in arrays.items()
    }
    norms = {name: float(np.linalg.norm([s.value for s in slopes[name]])) for name in arrays}
    whole = {}
    for name, array in arrays.items():
        bound = KINK * scale_of(norms, name)
        values = [
            s.value if s.doubt <= bound else refined(f, array, k, bound, size).value
            for k, s in enumerate(slopes[name])
        ]
        whole[name] = np.array(values).reshape(array.shape)
    return whole


def depends_on(subject: Subject, point: Point, tensor: str) -> bool:
    """Say whether the output changes by more than rounding when an array is moved by about one."""
    array = places(subject.layer, point)[tensor]
    Y = np.array(subject.layer.forward(*point[:3])[0])
    start = array.copy()
    array += np.random.default_rng(0).uniform(-1, 1, array.shape)
    moved = float(np.linalg.norm(subject.layer.forward(*point[:3])[0] - Y))
    array[...] = start
    return moved > DEPENDS * float(np.linalg.norm(Y))


def function(layer: Layer, point: Point) -> Callable[[], float]:
    """Return f less its value at the point, for small numbers are rounded less.

    It reads the arrays of the point, which may be moved in place.
    """
    params, X, ctx, dY = point
    start = np.array(layer.forward(params, X, ctx)[0])  # a copy, for Flatten's Y is a view of X

    def f() -> float:
        return float(np.vdot(dY, layer.forward(params, X, ctx)[0] - start))

    return f


def refined(
    f: Callable[[], float], array: Array, way: Way, bound: float, size: float = 0.0
) -> Slope:
    """Return the slope along a direction by a step that suits f, where `STEP` does not.

    A longer step is right wherever its doubt is small, for a kink between the steps is always
    seen. A shorter one might merely step aside of it: so it is taken only where the doubt falls as
    h² does, which is how a smooth f bends.
    """
    first = slope(f, array, way, size=size)
    doubts = [slope(f, array, way, STEP / k).doubt for k in (1, 2, 4)]
    bends = all(3 * small < large < 6 * small for large, small in pairwise(doubts))
    for step in (*LONGER, *(SHORTER if bends else ())):
        other = slope(f, array, way, step, size)
        if other.doubt <= bound:
            return other
    return first


def slope(
    f: Callable[[], float], array: Array, way: Way, step: float = STEP, size: float = 0.0
) -> Slope:
    """Return the slope of f along a direction in an array, which is moved and put back.

    The size is that of the numbers that f is a sum of: what is lost in rounding them is in doubt.

    Two signs give a kink away: the slopes at h and h/2 differ, or the curvatures do. The first is
    blind to a kink in the very middle, the second to one at h/3; together they see all.
    """
    flat = array.reshape(-1)
    part, direction = (slice(way, way + 1), 1.0) if isinstance(way, int) else (slice(None), way)
    start = flat[part].copy()

    def at(distance: float) -> float:
        flat[part] = start + distance * direction
        return f()

    above, near, behind, below = at(step), at(step / 2), at(-step / 2), at(-step)
    flat[part] = start
    whole, half = (above - below) / (2 * step), (near - behind) / step
    bent = (above + below - 4 * (near + behind)) / step
    doubt = max(abs(whole - half), abs(bent), GRAIN * size / step)
    return Slope((4 * half - whole) / 3, doubt)


def _settled(f: Callable[[], float], array: Array, way: Way, bound: float, size: float) -> Slope:
    """Return the slope along a direction that none can take the place of.

    Raises:
        KinkError: if there is none.
    """
    found = refined(f, array, way, bound, size)
    if not found.doubt <= bound:
        raise KinkError(slope(f, array, way).doubt * STEP > JUMP * size)
    return found


def _size(layer: Layer, point: Point) -> float:
    """Return the size of the numbers that f is a sum of."""
    return float(np.linalg.norm(point.dY * layer.forward(*point[:3])[0]))


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
