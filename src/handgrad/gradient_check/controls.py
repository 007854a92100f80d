"""Negative controls: each oracle must reject deliberately wrong gradients.

An oracle that accepts our gradient is tested with mutations of it: zeroed, scaled,
transposed and shifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from handgrad.gradient_check.oracle import Oracle, compare, norms_of, scale_of
from handgrad.layers import Array

SAME = 1e-4  # a mutation that changes less, relative to the gradient's norm, is skipped


class Control(NamedTuple):
    """A mutated gradient, and whether an oracle rejected it.

    Attributes:
        tensor: the name of the array whose gradient was mutated.
        oracle: the name of the oracle.
        mutation: how the gradient was changed.
        rejected: whether the oracle rejected the mutated gradient.
    """

    tensor: str
    oracle: str
    mutation: str
    rejected: bool


def controls(oracle: Oracle) -> Iterator[Control]:
    """Test an oracle on mutations of each gradient that it accepts, and yield the results.

    If the oracle rejects our gradient, mutations of its expected gradient are used instead.
    Mutations that change nothing are skipped: for example, setting a zero gradient to zero.
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
    """Test an oracle with nonzero values in place of zero gradients, and yield the results.

    The norm of these values is 1 % of the norm of all gradients.
    """
    together = float(np.linalg.norm(list(norms_of(oracle).values())))
    for tensor in tensors:
        right = oracle.ours.get(tensor)
        if together and right is not None and compare(oracle, tensor, right).ok:
            mutated = right + 0.01 * together / right.size**0.5
            yield Control(tensor, oracle.name, "nonzero", not compare(oracle, tensor, mutated).ok)


def mutations(gradient: Array) -> Iterator[tuple[str, Array]]:
    """Yield mutations of a gradient: zeroed, 1 % larger, transposed or reversed, and shifted.

    For a gradient with a single element, only zeroing and scaling are tried.
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
