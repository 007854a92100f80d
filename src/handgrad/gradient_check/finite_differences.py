"""The oracle "differences": central differences, which need only the forward pass.

The function to differentiate is f = Σ dY·Y with a random cotangent dY. Its slope along a
direction v is

    slope(h) = (f(x + hv) − f(x − hv)) / 2h

and Richardson extrapolation of two slopes, (4·slope(h/2) − slope(h))/3, is exact up to terms of
order h⁴. A direction is either a single element, or a random vector over all elements of an array.
If a direction crosses a kink (of a ReLU) or a tie (of a max pooling), f has no slope along it, and
another direction is drawn. If no direction is left, another point is drawn.

h is 1e-5. A larger h is used if the values are so large that rounding hides the slope, and a
smaller h if forward has a strong curvature. Neither a larger nor a smaller h helps at a kink, which
affects every slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from handgrad.errors import ModelError
from handgrad.gradient_check.oracle import ExpectedGradient, Oracle, scale_of
from handgrad.gradient_check.target import SAMPLE, Point, Target, differentiable, gradients
from handgrad.layers import Array, Layer

BOUND = 1e-7
STEP = 1e-5
LONGER, SHORTER = (1e-4, 1e-3, 1e-2, 1e-1, 1.0), (1e-6, 1e-7)
KINK = 1e-8  # the largest change of a slope between h and h/2, relative to all slopes
GRAIN = 0.01 * float(np.finfo(np.float64).eps)  # the least rounding of f, relative to Y
DEPENDS = 1e-12  # a larger relative change of Y is not rounding
JUMP = 1e-3  # a larger uneven change of f along one step, relative to Y, is a jump
RANDOM_DIRECTIONS = 3  # random directions over all elements of an array
DRAWS = 100  # the number of points tried

Direction = int | Array  # the index of an element, or a unit vector over all elements


class KinkError(Exception):
    """Raised if almost every direction at a point crosses a kink.

    Attributes:
        jumps: whether the function f changes by a large amount within one step.
    """

    def __init__(self, jumps: bool) -> None:
        super().__init__(jumps)
        self.jumps = jumps


class Slope(NamedTuple):
    """The slope along one direction, and a bound on the error that a kink may cause in it."""

    value: float
    doubt: float


def run_oracle(target: Target, training: bool, seed: int) -> tuple[Point, Oracle]:
    """Draw a point without kinks, and return it with the slopes that central differences give.

    Raises:
        ModelError: if every point lies on a kink, or cannot be checked in float64.
    """
    jumps = 0
    for attempt in range(DRAWS):
        point = target.point(seed + 1000 * attempt, training)
        try:
            expected = measure_slopes(target, point, np.random.default_rng((seed, 2)))
        except KinkError as error:
            jumps += error.jumps
            continue
        return point, Oracle("differences", BOUND, gradients(target.layer, point), expected)
    if jumps > DRAWS / 2:
        raise ModelError(
            f"{target.name}: forward has no slope at any of {DRAWS} points; it jumps everywhere, "
            f"changes a lot within {STEP:g}, or draws random numbers that do not come from ctx"
        )
    raise ModelError(
        f"{target.name}: finite differences in float64 cannot check it at any of {DRAWS} points; "
        "its numbers are too large, its curvature is too strong, or forward rounds to float32"
    )


def measure_slopes(
    target: Target, point: Point, rng: np.random.Generator
) -> dict[str, ExpectedGradient]:
    """Return the slopes along directions in all arrays; no direction crosses a kink."""
    f = function(target.layer, point)
    size = _size(target.layer, point)
    arrays = differentiable(target.layer, point)
    unused = {name: _shuffled_elements(array, rng) for name, array in arrays.items()}
    directions = {
        name: [*_first(unused[name], _count(array, target)), *_random_directions(array, rng)]
        for name, array in arrays.items()
    }
    slopes = {
        name: [slope(f, arrays[name], direction, size=size) for direction in directions[name]]
        for name in arrays
    }
    norms = {name: float(np.linalg.norm([s.value for s in slopes[name]])) for name in arrays}
    for name, array in arrays.items():
        bound = KINK * (scale_of(norms, name) or float(np.linalg.norm(point.dY)))
        for k, direction in enumerate(directions[name]):
            more = _more_random_directions(array, rng)
            others = unused[name] if isinstance(direction, int) else more
            while slopes[name][k].doubt > bound:
                other = next(others, None)
                if other is None:
                    slopes[name][k] = _last_resort(f, array, direction, bound, size)
                    break
                directions[name][k] = direction = other
                slopes[name][k] = slope(f, array, direction, size=size)
    return {
        name: _expected_gradient(array, directions[name], slopes[name])
        for name, array in arrays.items()
    }


def every_element(layer: Layer, point: Point) -> dict[str, Array]:
    """Compute all elements of all gradients by central differences, even at kinks."""
    f, arrays, size = function(layer, point), differentiable(layer, point), _size(layer, point)
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


def depends_on(target: Target, point: Point, tensor: str) -> bool:
    """Return whether a change of an array by about 1 changes the output by more than rounding."""
    array = differentiable(target.layer, point)[tensor]
    Y = np.array(target.layer.forward(*point[:3])[0])
    start = array.copy()
    array += np.random.default_rng(0).uniform(-1, 1, array.shape)
    moved = float(np.linalg.norm(target.layer.forward(*point[:3])[0] - Y))
    array[...] = start
    return moved > DEPENDS * float(np.linalg.norm(Y))


def function(layer: Layer, point: Point) -> Callable[[], float]:
    """Return f minus its value at the point, because a small number has a small rounding error.

    The function reads the arrays of the point at each call, so you may change the arrays in place.
    """
    params, X, ctx, dY = point
    start = np.array(layer.forward(params, X, ctx)[0])  # a copy: Flatten's Y is a view of X

    def f() -> float:
        return float(np.vdot(dY, layer.forward(params, X, ctx)[0] - start))

    return f


def refined(
    f: Callable[[], float], array: Array, direction: Direction, bound: float, size: float = 0.0
) -> Slope:
    """Return the slope along a direction, with a step length other than `STEP` if f needs it.

    A longer step is valid if the slope's `doubt` is small, because a kink between the steps is
    always detected. A shorter step might miss the kink, so it is used only if the `doubt` decreases
    in proportion to h², as it does for a smooth f.
    """
    first = slope(f, array, direction, size=size)
    doubts = [slope(f, array, direction, STEP / k).doubt for k in (1, 2, 4)]
    is_smooth = all(3 * small < large < 6 * small for large, small in pairwise(doubts))
    for step in (*LONGER, *(SHORTER if is_smooth else ())):
        other = slope(f, array, direction, step, size)
        if other.doubt <= bound:
            return other
    return first


def slope(
    f: Callable[[], float],
    array: Array,
    direction: Direction,
    step: float = STEP,
    size: float = 0.0,
) -> Slope:
    """Return the slope of f along a direction in an array; the array is changed and restored.

    `size` is the magnitude of the terms in f; their rounding error is added to `doubt`.

    A kink is detected if the slopes at h and h/2 differ, or if the curvatures differ. The first
    test does not detect a kink exactly in the middle, and the second does not detect one at h/3;
    together they detect every kink.
    """
    flat = array.reshape(-1)
    part, vector = (
        (slice(direction, direction + 1), 1.0)
        if isinstance(direction, int)
        else (slice(None), direction)
    )
    start = flat[part].copy()

    def at(distance: float) -> float:
        flat[part] = start + distance * vector
        return f()

    above, near, behind, below = at(step), at(step / 2), at(-step / 2), at(-step)
    flat[part] = start
    whole, half = (above - below) / (2 * step), (near - behind) / step
    bent = (above + below - 4 * (near + behind)) / step
    doubt = max(abs(whole - half), abs(bent), GRAIN * size / step)
    return Slope((4 * half - whole) / 3, doubt)


def _last_resort(
    f: Callable[[], float], array: Array, direction: Direction, bound: float, size: float
) -> Slope:
    """Return the slope along a direction for which there is no alternative.

    Raises:
        KinkError: if no step length gives a slope.
    """
    found = refined(f, array, direction, bound, size)
    if not found.doubt <= bound:
        raise KinkError(slope(f, array, direction).doubt * STEP > JUMP * size)
    return found


def _size(layer: Layer, point: Point) -> float:
    """Return the magnitude of the terms whose sum is f."""
    return float(np.linalg.norm(point.dY * layer.forward(*point[:3])[0]))


def _count(array: Array, target: Target) -> int:
    """Return how many elements of an array are checked one by one."""
    return array.size if array.size <= target.elements else SAMPLE


def _shuffled_elements(array: Array, rng: np.random.Generator) -> Iterator[int]:
    """Yield the indices of all elements, in random order."""
    yield from rng.permutation(array.size).tolist()


def _first(indices: Iterator[int], count: int) -> list[Direction]:
    return [next(indices) for _ in range(count)]


def _random_directions(array: Array, rng: np.random.Generator) -> list[Direction]:
    """Return random directions of length 1."""
    vectors = rng.normal(size=(RANDOM_DIRECTIONS, array.size))
    return list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _more_random_directions(array: Array, rng: np.random.Generator) -> Iterator[Direction]:
    """Yield many random directions, because most of them cross a kink in a large network."""
    for _ in range(DRAWS):
        yield from _random_directions(array, rng)


def _expected_gradient(
    array: Array, directions: list[Direction], slopes: list[Slope]
) -> ExpectedGradient:
    """Return an expected gradient that consists of the slopes along some directions."""
    elements = np.array([direction for direction in directions if isinstance(direction, int)])
    vectors = [direction for direction in directions if not isinstance(direction, int)]

    def measure(gradient: Array) -> Array:
        flat = gradient.reshape(-1).astype(np.float64)
        return np.array([*flat[elements], *(vector @ flat for vector in vectors)])

    return ExpectedGradient(array.shape, elements, np.array([s.value for s in slopes]), measure)
