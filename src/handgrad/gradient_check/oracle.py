"""What a witness says of gradients, and the one judge of all witnesses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.layers import Array, Shape

NOTHING = 1e-8  # below this share of all gradients together, one is zero but for rounding


@dataclass(frozen=True)
class Testimony:
    """Some numbers that follow from a gradient, as the witness has them.

    Attributes:
        shape: the gradient's.
        elements: the places of single elements, (E,), counted in reading order.
        expected: the numbers, (M,); the first E are those elements.
        measure: takes the same numbers from a gradient of ours.
    """

    shape: Shape
    elements: Array
    expected: Array
    measure: Callable[[Array], Array]

    @property
    def whole(self) -> Array | None:
        """The whole gradient as the witness has it; None: it was not asked for every element."""
        size = math.prod(self.shape)
        if len({*self.elements.tolist()}) < size:
            return None
        flat = np.empty(size)
        flat[self.elements] = self.expected[: len(self.elements)]
        return flat.reshape(self.shape)


@dataclass(frozen=True)
class Witness:
    """Somebody who knows the gradients by another way.

    Attributes:
        name: what the report calls it.
        bound: the largest error that is accepted.
        ours: our gradients, by name.
        testimonies: what the witness says of each.
    """

    name: str
    bound: float
    ours: Mapping[str, Array]
    testimonies: Mapping[str, Testimony]


@dataclass(frozen=True)
class Element:
    """One element of a gradient, as we have it and as the witness has it."""

    index: tuple[int, ...]
    ours: float
    theirs: float


@dataclass(frozen=True)
class Finding:
    """How one gradient of ours stands to one witness.

    Attributes:
        tensor: the array that it is the gradient of.
        shape: that array's.
        witness: who was asked.
        error: the norm of the difference, as a share of the norm of what is expected.
        bound: the largest error that is accepted.
        worst: the element that is furthest off; None: ours has not the right shape.
        first: the first element, in reading order, that alone is reason to reject it.
    """

    tensor: str
    shape: Shape
    witness: str
    error: float
    bound: float
    worst: Element | None = None
    first: Element | None = None

    @property
    def ok(self) -> bool:
        """Whether the gradient is accepted."""
        return self.error <= self.bound


def judge(witness: Witness) -> list[Finding]:
    """Return a finding for each gradient that the witness knows."""
    return [judged(witness, tensor, witness.ours.get(tensor)) for tensor in witness.testimonies]


def judged(witness: Witness, tensor: str, gradient: Array | None) -> Finding:
    """Return the finding for one gradient; a missing one, or one of another shape, is all wrong."""
    said = witness.testimonies[tensor]
    if gradient is None or gradient.shape != said.shape:
        return Finding(tensor, said.shape, witness.name, float("inf"), witness.bound)
    found = said.measure(gradient)
    scale = scale_of(norms_of(witness), tensor)
    with np.errstate(invalid="ignore"):
        off = np.nan_to_num(np.abs(found - said.expected), nan=np.inf)
    norm = float(np.linalg.norm(off))
    error = norm / scale if norm and scale else norm

    def element(place: int) -> Element:
        index = np.unravel_index(said.elements[place], said.shape)
        ours, theirs = float(found[place]), float(said.expected[place])
        return Element(tuple(map(int, index)), ours, theirs)

    alone = off[: len(said.elements)]
    wrong = np.flatnonzero(alone > witness.bound * scale)
    first = element(int(wrong[said.elements[wrong].argmin()])) if len(wrong) else None
    worst = element(int(alone.argmax()))
    return Finding(tensor, said.shape, witness.name, error, witness.bound, worst, first)


def norms_of(witness: Witness) -> dict[str, float]:
    """Return the norm of what is expected of each gradient."""
    return {k: float(np.linalg.norm(said.expected)) for k, said in witness.testimonies.items()}


def negligible(witness: Witness) -> list[str]:
    """Return the names of the gradients that are zero beside all others, but for rounding."""
    norms = norms_of(witness)
    together = float(np.linalg.norm(list(norms.values())))
    return [tensor for tensor, norm in norms.items() if norm <= NOTHING * together]


def scale_of(norms: Mapping[str, float], tensor: str) -> float:
    """Return what the error of a gradient is a share of: its own norm.

    One that is zero but for rounding, such as that of a bias before a batch norm, is measured
    against all together.
    """
    together = float(np.linalg.norm(list(norms.values())))
    return norms[tensor] if norms[tensor] > NOTHING * together else together
