"""The linearity check: the backward pass must be linear in the cotangent dY.

    backward(s (dY₁ + dY₂)) = s (backward(dY₁) + backward(dY₂))

If backward clips the cotangent or rounds it to float32, the two sides of this equation differ by
more than the rounding errors of float64 at every point.
"""

from __future__ import annotations

import numpy as np

from handgrad.gradient_check.diagnosis import Cause
from handgrad.gradient_check.oracle import Comparison, Oracle, expect_all
from handgrad.gradient_check.target import SPREAD, Point, Target, differentiable, gradients
from handgrad.layers import Array

NAME, BOUND = "linearity", 1e-12
SCALES = (1e-3, 1.0, 1e3)
FLOAT32_ERRORS = (1e-9, 1e-6)  # float32 rounding causes errors in this range


def run_oracle(target: Target, point: Point) -> Oracle:
    """Compare the gradient for the sum of two cotangents with the sum of their gradients.

    Several scales of the cotangents are tried; the one with the largest difference is reported.
    """
    layer, rng = target.layer, np.random.default_rng((point.ctx.seed, 4))
    other = point._replace(dY=rng.uniform(-SPREAD, SPREAD, point.dY.shape))
    one, two = gradients(layer, point), gradients(layer, other)
    sums = [gradients(layer, point._replace(dY=s * (point.dY + other.dY))) for s in SCALES]
    expected, ours = {}, {}
    for tensor, array in differentiable(layer, point).items():
        found = [gradient.get(tensor) for gradient in (one, two, *sums)]
        if not all(g is not None and g.shape == array.shape for g in found):
            continue  # other oracles report a missing gradient or a wrong shape
        total = one[tensor] + two[tensor]
        rescaled = [gradient[tensor] / s for gradient, s in zip(sums, SCALES, strict=True)]
        ours[tensor] = max(rescaled, key=lambda gradient: _distance(gradient, total))
        expected[tensor] = expect_all(total)
    return Oracle(NAME, BOUND, ours, expected)


def cause(comparison: Comparison) -> Cause:
    """Return the likely cause of an error that this oracle found."""
    if FLOAT32_ERRORS[0] < comparison.error < FLOAT32_ERRORS[1]:
        sentence = (
            "the error is as large as float32 rounding errors; let backward compute in dY's dtype"
        )
        return Cause("computed in float32", sentence, comparison.tensor)
    sentence = (
        "backward is not linear in dY: the gradient for a sum of cotangents is not the sum of "
        "their gradients, or is not scaled with dY; backward may contain a clip, a threshold or "
        "rounding"
    )
    return Cause("not linear", sentence, comparison.tensor)


def _distance(one: Array, other: Array) -> float:
    """Return the norm of the difference, or infinity if the difference is not finite."""
    distance = float(np.linalg.norm(one - other))
    return distance if np.isfinite(distance) else np.inf
