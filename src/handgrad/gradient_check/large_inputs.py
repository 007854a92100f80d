"""Another witness: central differences far out, where what saturates or is clipped shows.

All else is judged at examples between -1.7 and 1.7, where a clip at 6 is no clip.
"""

from __future__ import annotations

import numpy as np

from handgrad.gradient_check.finite_differences import BOUND, KinkError, measured
from handgrad.gradient_check.oracle import Witness, norms_of
from handgrad.gradient_check.target import Point, Subject, gradients

NAME = "far"
SCALES = ((8.0, 4.0, 2.0), (64.0, 32.0, 16.0))  # of each the first that can be judged
DRAWS = 3


def witnesses(subject: Subject, seed: int, training: bool) -> list[tuple[Point, Witness]]:
    """Return points with larger examples, and what central differences say there.

    There is none at a scale at which forward has no numbers, or has saturated so far that rounding
    hides the slopes.
    """
    found = (_first(subject, scales, seed, training) for scales in SCALES)
    return [one for one in found if one]


def _first(
    subject: Subject, scales: tuple[float, ...], seed: int, training: bool
) -> tuple[Point, Witness] | None:
    """Return what is said at the first scale that can be judged."""
    for scale in scales:
        for attempt in range(DRAWS):
            drawn = subject.point(seed + 1000 * attempt, training)
            point = drawn._replace(X=scale * drawn.X)
            with np.errstate(all="ignore"):  # beyond what has numbers is not judged
                Y, _ = subject.layer.forward(point.params, point.X.copy(), point.ctx)
                if not np.isfinite(Y).all():
                    break
                try:
                    said = measured(subject, point, np.random.default_rng((seed, 5)))
                except KinkError:
                    continue
                ours = gradients(subject.layer, point)
                heard = Witness(NAME, BOUND, ours, said)
                if 0 < sum(norms_of(heard).values()) < np.inf:
                    return point, heard
    return None
