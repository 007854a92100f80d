"""Recognize the digest of images that an earlier version of handgrad did not scale.

Earlier versions used floating-point numbers of every range, such as 0..16 or 0..255, as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handgrad.data.dataset import Dataset
from handgrad.pixel_range import PixelRange


def is_digest_of_unscaled(digest: object, data: Dataset) -> bool:
    """Return whether a digest is that of the same images before they were scaled to 0..1.

    This can only be found out if the values before scaling were whole numbers.

    Args:
        digest: what `Dataset.digest` returned in an earlier version of handgrad.
        data: the images as this version reads them.
    """
    known = data.pixel_range
    if not was_scaled(data):
        return False
    fraction = data.images.astype(np.float64) / (255 if data.images.dtype == np.uint8 else 1)
    unscaled = np.rint(fraction * (known.high - known.low) + known.low).astype(np.float32)
    not_known = PixelRange(known.low, known.high, is_known=False)
    old = replace(data, images=unscaled, preprocessing=None, pixel_range=not_known)
    return old.digest() == digest


def was_scaled(data: Dataset) -> bool:
    """Return whether the images had another range than 0..1 before they were scaled."""
    known = data.pixel_range
    return known.is_known and (known.low, known.high) != (0, 1)


def unscaled_before(data: Dataset) -> str:
    """Return the sentence that says how earlier versions of handgrad used these images."""
    return (
        f"an earlier version of handgrad used the values {data.pixel_range} of the images as they "
        "are, but this version scales them to 0..1"
    )
