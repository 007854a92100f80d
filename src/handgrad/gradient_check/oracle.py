"""Oracles, which compute expected gradients, and their comparison with handgrad's gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.layers import Array, Shape

NEGLIGIBLE = 1e-8  # a gradient below this fraction of all gradients is zero up to rounding


@dataclass(frozen=True)
class ExpectedGradient:
    """The numbers that an oracle expects for one gradient: elements, projections or a norm.

    Attributes:
        shape: the shape of the gradient.
        elements: the flat indices of the elements that are compared one by one, (E,).
        expected: the expected numbers, (M,), which begin with the values of these E elements.
        measure: a function that computes the same M numbers from our gradient.
    """

    shape: Shape
    elements: Array
    expected: Array
    measure: Callable[[Array], Array]

    @property
    def whole(self) -> Array | None:
        """The complete expected gradient, or None if the oracle computed only a part of it."""
        size = math.prod(self.shape)
        if len({*self.elements.tolist()}) < size:
            return None
        flat = np.empty(size)
        flat[self.elements] = self.expected[: len(self.elements)]
        return flat.reshape(self.shape)


def expect_all(gradient: Array) -> ExpectedGradient:
    """Return an `ExpectedGradient` that covers every element of a gradient."""

    def measure(ours: Array) -> Array:
        return ours.reshape(-1).astype(np.float64)

    return ExpectedGradient(gradient.shape, np.arange(gradient.size), gradient.reshape(-1), measure)


@dataclass(frozen=True)
class Oracle:
    """The result of one oracle: our gradients, and the gradients that the oracle expects.

    Attributes:
        name: the oracle's name in reports.
        bound: the largest relative error that is accepted.
        ours: the gradients that our backward computes, by name.
        expected_gradients: the gradients that the oracle expects, by name.
    """

    name: str
    bound: float
    ours: Mapping[str, Array]
    expected_gradients: Mapping[str, ExpectedGradient]


@dataclass(frozen=True)
class Element:
    """One element of a gradient: our value and the expected value."""

    index: tuple[int, ...]
    ours: float
    expected: float


@dataclass(frozen=True)
class Comparison:
    """The comparison of one of our gradients with one oracle.

    Attributes:
        tensor: the name of the array whose gradient is compared.
        shape: the shape of the array, and of its gradient.
        oracle: the name of the oracle.
        error: the norm of the difference, relative to the norm of the expected numbers.
        bound: the largest relative error that is accepted.
        worst: the element with the largest error, or None if our gradient has the wrong shape.
        first: the first element, in memory order, whose own error exceeds the bound; None if there
            is no such element.
    """

    tensor: str
    shape: Shape
    oracle: str
    error: float
    bound: float
    worst: Element | None = None
    first: Element | None = None

    @property
    def ok(self) -> bool:
        """Whether the oracle accepts our gradient."""
        return self.error <= self.bound


def compare_all(oracle: Oracle) -> list[Comparison]:
    """Compare our gradients with all gradients that the oracle expects."""
    return [
        compare(oracle, tensor, oracle.ours.get(tensor)) for tensor in oracle.expected_gradients
    ]


def compare(oracle: Oracle, tensor: str, gradient: Array | None) -> Comparison:
    """Compare one gradient; if it is missing or has the wrong shape, the error is infinite."""
    expected = oracle.expected_gradients[tensor]
    if gradient is None or gradient.shape != expected.shape:
        return Comparison(tensor, expected.shape, oracle.name, float("inf"), oracle.bound)
    measured = expected.measure(gradient)
    scale = scale_of(norms_of(oracle), tensor)
    with np.errstate(invalid="ignore"):
        off = np.nan_to_num(np.abs(measured - expected.expected), nan=np.inf)
    norm = float(np.linalg.norm(off))
    error = norm / scale if norm and scale else norm

    def element(position: int) -> Element:
        index = np.unravel_index(expected.elements[position], expected.shape)
        ours, wanted = float(measured[position]), float(expected.expected[position])
        return Element(tuple(map(int, index)), ours, wanted)

    alone = off[: len(expected.elements)]
    wrong = np.flatnonzero(alone > oracle.bound * scale)
    first = element(int(wrong[expected.elements[wrong].argmin()])) if len(wrong) else None
    worst = element(int(alone.argmax()))
    return Comparison(tensor, expected.shape, oracle.name, error, oracle.bound, worst, first)


def norms_of(oracle: Oracle) -> dict[str, float]:
    """Return, for each gradient, the norm of the numbers that the oracle expects."""
    return {
        k: float(np.linalg.norm(expected.expected))
        for k, expected in oracle.expected_gradients.items()
    }


def negligible(oracle: Oracle) -> list[str]:
    """Return the names of the gradients that are negligible relative to all gradients together."""
    norms = norms_of(oracle)
    together = float(np.linalg.norm(list(norms.values())))
    return [tensor for tensor, norm in norms.items() if norm <= NEGLIGIBLE * together]


def scale_of(norms: Mapping[str, float], tensor: str) -> float:
    """Return the norm by which a gradient's error is divided: usually the gradient's own norm.

    If the gradient is zero up to rounding, such as that of a bias before a batch norm, the error is
    divided by the norm of all gradients.
    """
    together = float(np.linalg.norm(list(norms.values())))
    return norms[tensor] if norms[tensor] > NEGLIGIBLE * together else together
