"""Decides from the fraction of zero pixels whether the first Dense layer skips them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_ZERO_SHARE = 0.7  # the share of zeros above which skipping them is faster
_RUNS, _RUN_LENGTH = 16, 16  # the sample: so many runs of so many consecutive images


def share_of_zeros(images: NDArray[Any]) -> float:
    """Return the fraction of zero pixels, from 0 to 1, in a sample of the images (N, ...).

    The sample consists of consecutive images, because reading scattered images of a memory-mapped
    file may load a page from disk for each image.
    """
    starts = range(0, len(images), max(_RUN_LENGTH, len(images) // _RUNS))
    return float(np.mean([np.mean(images[start : start + _RUN_LENGTH] == 0) for start in starts]))
