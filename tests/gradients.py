"""Compares gradients with central differences, and includes negative controls.

A random cotangent turns a layer's output into one number: f = Σ dY·Y. The slope of f along a
direction is measured with two forward passes and compared with the backward pass. Directions are
single elements, and random vectors over all elements of an array. Everything is float64.

`handgrad.gradient_check` checks the same gradients in a different way. This file intentionally
shares no code with it, so that each check can detect an error in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Context
from handgrad.params import flatten
from tests.cases import Case

TOLERANCE = 1e-7
ELEMENTS = 12  # the number of single elements checked in a larger array

Arrays = Mapping[str, Array]


def errors(ours: Arrays, theirs: Arrays) -> dict[str, float]:
    """Return the norm of each array's difference, relative to the norm of the expected array.

    The error of an array that is zero up to rounding, such as the gradient of a bias before a batch
    norm, is relative to the norm of all arrays.
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
    """Raised if the slope differs at half the step size, because of a kink or a tie."""


def check_layer(case: Case, training: bool, seed: int = 0) -> float:
    """Compare a case with central differences, and check that mutated gradients are rejected.

    Inputs on a kink or a tie are drawn again.

    Returns:
        The worst error.
    """
    for attempt in range(seed, seed + 100):
        try:
            return check_draw(case, training, attempt)
        except KinkedError:
            continue
    raise AssertionError("every draw was on a kink")


def check_draw(case: Case, training: bool, seed: int) -> float:
    """Check a case with the arrays, examples and cotangent of one seed."""
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
        case.step,
    )


def check(
    f: Callable[[], float],
    points: Arrays,
    found: Arrays,
    rng: np.random.Generator,
    step: float,
) -> float:
    """Check the gradients `found` of f at `points`, which f reads and which are changed in place.

    Returns:
        The worst error.
    """
    vectors = {name: np.stack(list(directions(point.shape, rng))) for name, point in points.items()}
    slopes = {name: measure(f, point, vectors[name], step) for name, point in points.items()}
    halved = {name: measure(f, point, vectors[name], step / 2) for name, point in points.items()}
    if max(errors(halved, slopes).values()) > TOLERANCE / 4:
        raise KinkedError

    worst = compare(found, vectors, slopes)
    assert max(worst.values()) <= TOLERANCE, worst
    for name, mutated in mutations(found):
        assert compare(found | {name: mutated}, vectors, slopes)[name] > TOLERANCE, (
            f"a wrong gradient of {name} was accepted"
        )
    return max(worst.values())


def compare(found: Arrays, vectors: Arrays, slopes: Arrays) -> dict[str, float]:
    """Return the errors of the slopes computed from gradients, relative to measured slopes."""
    predicted = {
        name: vectors[name].reshape(len(vectors[name]), -1) @ array.reshape(-1)
        for name, array in found.items()
    }
    return errors(predicted, slopes)


def directions(shape: tuple[int, ...], rng: np.random.Generator) -> Iterator[Array]:
    """Yield directions of length 1: some single elements, and three over all of them."""
    size = int(np.prod(shape))
    for element in rng.permutation(size)[:ELEMENTS]:
        vector = np.zeros(size)
        vector[element] = 1.0
        yield vector.reshape(shape)
    for _ in range(3):
        vector = rng.normal(size=shape)
        yield vector / np.linalg.norm(vector)


def measure(f: Callable[[], float], point: Array, vectors: Array, step: float) -> Array:
    """Return the slope of f along each direction, by central differences."""
    start, slopes = point.copy(), np.zeros(len(vectors))
    for index, vector in enumerate(vectors):
        point[...] = start + step * vector
        above = f()
        point[...] = start - step * vector
        slopes[index] = (above - f()) / (2 * step)
    point[...] = start
    return slopes


def mutations(found: Arrays) -> Iterator[tuple[str, Array]]:
    """Yield wrong gradients in which an array is zeroed, 1 % too large, transposed or reversed.

    Mutations without an effect, such as zeroing a zero gradient, are left out.
    """
    together = np.linalg.norm([float(np.linalg.norm(array)) for array in found.values()])
    for name, array in found.items():
        transposed = array.T.reshape(array.shape) if array.ndim == 2 else np.flip(array)
        for mutated in (0 * array, 1.01 * array, transposed):
            if np.linalg.norm(mutated - array) > 1e-6 * together:
                yield name, mutated
