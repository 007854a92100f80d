"""Another witness: backward itself, for it must be linear in the cotangent.

    backward(s (dY₁ + dY₂)) = s (backward(dY₁) + backward(dY₂))

A cotangent that is clipped, or rounded to float32 on the way, breaks this by more than float64's
own rounding does, at whatever point.
"""

from __future__ import annotations

import numpy as np

from handgrad.gradient_check.diagnosis import Cause
from handgrad.gradient_check.oracle import Finding, Testimony, Witness
from handgrad.gradient_check.target import SPREAD, Point, Subject, gradients, places
from handgrad.layers import Array

NAME, BOUND = "linear", 1e-12
SCALES = (1e-3, 1.0, 1e3)
SINGLE = (1e-9, 1e-6)  # between these errors are those of float32


def witness(subject: Subject, point: Point) -> Witness:
    """Return what the gradients of two cotangents say of the gradient of their sum.

    Of all scales that one is shown at which the two are furthest apart.
    """
    layer, rng = subject.layer, np.random.default_rng((point.ctx.seed, 4))
    other = point._replace(dY=rng.uniform(-SPREAD, SPREAD, point.dY.shape))
    one, two = gradients(layer, point), gradients(layer, other)
    sums = [gradients(layer, point._replace(dY=s * (point.dY + other.dY))) for s in SCALES]
    said, ours = {}, {}
    for tensor, array in places(layer, point).items():
        given = [found.get(tensor) for found in (one, two, *sums)]
        if not all(g is not None and g.shape == array.shape for g in given):
            continue  # other witnesses say that it is missing, or has another shape
        due = one[tensor] + two[tensor]
        shares = [found[tensor] / s for found, s in zip(sums, SCALES, strict=True)]
        ours[tensor] = max(shares, key=lambda share: _apart(share, due))
        said[tensor] = _testimony(due)
    return Witness(NAME, BOUND, ours, said)


def cause(finding: Finding) -> Cause:
    """Return what is wrong with a gradient that this witness rejected."""
    if SINGLE[0] < finding.error < SINGLE[1]:
        sentence = "it is off by what float32 rounds; let backward compute in dY's dtype"
        return Cause("computed in float32", sentence, finding.tensor)
    sentence = (
        "backward is not linear in dY: of a sum, or of a dY 1,000 times as large or small, it does "
        "not give the sum or the multiple; look for a clip, a threshold or a rounding"
    )
    return Cause("not linear", sentence, finding.tensor)


def _apart(one: Array, other: Array) -> float:
    """Return the distance, infinite where something is no number."""
    distance = float(np.linalg.norm(one - other))
    return distance if np.isfinite(distance) else np.inf


def _testimony(due: Array) -> Testimony:
    """Return a testimony of every element."""

    def measure(gradient: Array) -> Array:
        return gradient.reshape(-1).astype(np.float64)

    return Testimony(due.shape, np.arange(due.size), due.reshape(-1), measure)
