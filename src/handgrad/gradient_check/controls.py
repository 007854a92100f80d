"""Negative controls: each oracle must reject gradients that are wrong on purpose.

An oracle that accepts our gradient is given mutations of it: zeroed, scaled, transposed, shifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from handgrad.gradient_check.oracle import Oracle, compare, norms_of, scale_of
from handgrad.layers import Array

SAME = 1e-4  # a mutation that changes less, relative to the gradient's norm, is skipped


class Control(NamedTuple):
    """A mutated gradient, and the answer of an oracle.

    Attributes:
        tensor: the array that it is the gradient of.
        oracle: the name of the oracle.
        mutation: how the gradient was changed.
        rejected: whether the oracle rejected it.
    """

    tensor: str
    oracle: str
    mutation: str
    rejected: bool


def controls(oracle: Oracle) -> Iterator[Control]:
    """Yield an oracle's answers to mutations of each gradient that it accepts.

    Where it rejects ours, its own gradient is mutated. Mutations that change nothing, such as a
    zero gradient zeroed, are skipped.
    """
    norms = norms_of(oracle)
    for tensor, expected in oracle.expected_gradients.items():
        right = oracle.ours.get(tensor)
        if not compare(oracle, tensor, right).ok:
            right = expected.whole
        if right is None or not compare(oracle, tensor, right).ok:
            continue
        for name, mutated in mutations(right):
            if np.linalg.norm(mutated - right) > SAME * scale_of(norms, tensor):
                rejected = not compare(oracle, tensor, mutated).ok
                yield Control(tensor, oracle.name, name, rejected)


def controls_of_zero(oracle: Oracle, tensors: Iterable[str]) -> Iterator[Control]:
    """Yield an oracle's answers to nonzero numbers in place of gradients that are zero.

    The norm of these numbers is 1 % of the norm of all gradients.
    """
    together = float(np.linalg.norm(list(norms_of(oracle).values())))
    for tensor in tensors:
        right = oracle.ours.get(tensor)
        if together and right is not None and compare(oracle, tensor, right).ok:
            mutated = right + 0.01 * together / right.size**0.5
            yield Control(tensor, oracle.name, "nonzero", not compare(oracle, tensor, mutated).ok)


def mutations(gradient: Array) -> Iterator[tuple[str, Array]]:
    """Yield a gradient zeroed, scaled by 1 %, transposed (or reversed) and shifted by one.

    A single number is only zeroed and scaled.
    """
    yield "zeroed", 0 * gradient
    yield "scaled by 1 %", gradient * gradient.dtype.type(1.01)
    if gradient.ndim == 0:
        return
    if gradient.ndim > 1:
        yield "transposed", gradient.T.reshape(gradient.shape)
    else:
        yield "reversed", gradient[::-1]
    yield "shifted", np.roll(gradient, 1, axis=-1)
