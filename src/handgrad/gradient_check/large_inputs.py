"""The oracle "large inputs": central differences at inputs where functions saturate or clip.

All other oracles use examples between -1.7 and 1.7. They cannot detect, for example, that a layer
clips its input at 6.
"""

from __future__ import annotations

import numpy as np

from handgrad.gradient_check.finite_differences import BOUND, KinkError, measure_slopes
from handgrad.gradient_check.oracle import Oracle, norms_of
from handgrad.gradient_check.target import Point, Target, gradients

NAME = "large inputs"
SCALES = ((8.0, 4.0, 2.0), (64.0, 32.0, 16.0))  # the first of each group that can be checked
DRAWS = 3


def run_oracles(target: Target, seed: int, training: bool) -> list[tuple[Point, Oracle]]:
    """Compare the gradients with central differences at points with larger examples.

    The examples are multiplied by a scale. A scale is skipped if forward overflows at this scale,
    or saturates so much that rounding hides the slopes.
    """
    found = (_first(target, scales, seed, training) for scales in SCALES)
    return [one for one in found if one]


def _first(
    target: Target, scales: tuple[float, ...], seed: int, training: bool
) -> tuple[Point, Oracle] | None:
    """Return the result at the first scale that can be checked."""
    for scale in scales:
        for attempt in range(DRAWS):
            drawn = target.point(seed + 1000 * attempt, training)
            point = drawn._replace(X=scale * drawn.X)
            with np.errstate(all="ignore"):  # an overflow ends this scale
                Y, _ = target.layer.forward(point.params, point.X.copy(), point.ctx)
                if not np.isfinite(Y).all():
                    break
                try:
                    expected = measure_slopes(target, point, np.random.default_rng((seed, 5)))
                except KinkError:
                    continue
                oracle = Oracle(NAME, BOUND, gradients(target.layer, point), expected)
                if 0 < sum(norms_of(oracle).values()) < np.inf:
                    return point, oracle
    return None
