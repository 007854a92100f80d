"""Negative controls: the check must be able to say no.

A witness that accepts our gradient is shown the same gradient spoilt, and must reject it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from handgrad.gradient_check.oracle import Witness, judged, norms_of, scale_of
from handgrad.layers import Array

SAME = 1e-4  # a spoilt gradient that differs by less, as a share of all, is the same one


class Control(NamedTuple):
    """A spoilt gradient that a witness was shown.

    Attributes:
        tensor: the array that it is the gradient of.
        witness: who was asked.
        spoilt: how it was spoilt.
        rejected: what the witness said.
    """

    tensor: str
    witness: str
    spoilt: str
    rejected: bool


def controls(witness: Witness) -> Iterator[Control]:
    """Show a witness spoilt gradients in place of each that it accepts, or else of its own.

    One that is right all the same, such as a zero gradient zeroed, is left out.
    """
    norms = norms_of(witness)
    for tensor, said in witness.testimonies.items():
        right = witness.ours.get(tensor)
        if not judged(witness, tensor, right).ok:
            right = said.whole
        if right is None or not judged(witness, tensor, right).ok:
            continue
        for how, spoilt in spoils(right):
            if np.linalg.norm(spoilt - right) > SAME * scale_of(norms, tensor):
                rejected = not judged(witness, tensor, spoilt).ok
                yield Control(tensor, witness.name, how, rejected)


def replace_leaves(witness: Witness, tensors: Iterable[str]) -> Iterator[Control]:
    """Show a witness numbers in place of gradients that are zero but for rounding.

    They are 1 % of all gradients together.
    """
    together = float(np.linalg.norm(list(norms_of(witness).values())))
    for tensor in tensors:
        right = witness.ours.get(tensor)
        if together and right is not None and judged(witness, tensor, right).ok:
            spoilt = right + 0.01 * together / right.size**0.5
            yield Control(tensor, witness.name, "filled", not judged(witness, tensor, spoilt).ok)


def spoils(gradient: Array) -> Iterator[tuple[str, Array]]:
    """Yield a gradient zeroed, 1 % too large, transposed (or reversed) and shifted by one.

    One number alone is only zeroed and made too large.
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
