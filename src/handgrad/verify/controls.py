"""Negative controls: the check must be able to say no.

A witness that accepts our gradient is shown the same gradient spoilt, and must reject it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from handgrad.layers import Array
from handgrad.verify.witness import Witness, judged, norms_of

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
    """Show a witness spoilt gradients in place of each that it accepts.

    One that is right all the same, such as a zero gradient zeroed, is left out.
    """
    together = float(np.linalg.norm(list(norms_of(witness).values())))
    for tensor in witness.testimonies:
        if not judged(witness, tensor, witness.ours.get(tensor)).ok:
            continue
        right = witness.ours[tensor]
        for how, spoilt in spoils(right):
            if np.linalg.norm(spoilt - right) > SAME * together:
                rejected = not judged(witness, tensor, spoilt).ok
                yield Control(tensor, witness.name, how, rejected)


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
