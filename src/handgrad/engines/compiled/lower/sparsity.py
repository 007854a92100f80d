"""Whether it pays to skip the pixels that are zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ENOUGH = 0.7  # the share of zeros from which on it pays
_RUNS, _RUN = 16, 16  # images that decide: so many runs of so many neighbours


def share_of_zeros(images: NDArray[Any]) -> float:
    """Return the share of pixels that are zero, 0 to 1, in some of the images (N, ...).

    Neighbours are looked at, for each may be a page of a file that is read from a disk.
    """
    starts = range(0, len(images), max(_RUN, len(images) // _RUNS))
    return float(np.mean([np.mean(images[start : start + _RUN] == 0) for start in starts]))
