"""Whether it pays to skip the pixels that are zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ENOUGH = 0.7  # the share of zeros from which on it pays
OF_MNIST = 0.81
_SAMPLE = 256  # pictures that decide


def share_of_zeros(pictures: NDArray[Any]) -> float:
    """Return the share of pixels that are zero, 0 to 1, in some of the pictures (N, ...)."""
    sample = pictures[:: max(1, len(pictures) // _SAMPLE)]
    return float(np.mean(sample == 0))
