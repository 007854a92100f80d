"""The images changed at random, before the first layer takes them."""

from __future__ import annotations

import numpy as np

from handgrad.data.augment.augmentation import grid_for
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.plan import Argument, Buffer, Inlet, Place

_WORK = 40  # operations on a pixel, beside those of the distortion


def images(b: Builder) -> tuple[Argument, int]:
    """Return where the images lie, and whether they are those of the chunk, lane by lane.

    Where they are to be changed at random, lay that down.
    """
    augmentation = b.source.augmentation
    if augmentation is None:
        return Inlet("images"), 0
    C, H, W = b.net.shape
    tables = grid_for(augmentation, (H, W))
    _, count = tables.half_pixels.shape
    whole, padded = b.source.whole, (H + 3) * (W + 3) + LANES
    kind = np.uint8 if whole else np.float32
    new = Buffer("augment: images", LANES * C * H * W, kind)
    words = (
        Buffer("augment: four pixels", padded, np.int32),
        Buffer("augment: four pixels at each place", count, np.int32),
    )
    b.plan.notes.append(f"images: augmented by {augmentation}")
    b.plan.multiply_adds += H * W * (2 * tables.control_points + C * _WORK)
    b.chunks(
        f"augment.move_{'bytes' if whole else 'floats'}",
        *(Inlet("images"), Inlet("order"), Inlet("moves"), Place.CLOCK, Place.CHUNK, C, H, W),
        *(augmentation.fill_value(kind), int(augmentation.fill is None)),
        *(tables.control_points, tables.row, tables.half_pixels, tables.down, tables.across),
        np.arange(max(tables.control_points, 1), dtype=np.int32),
        Buffer("augment: rows of knots", max(H * tables.row, LANES)),
        Buffer("augment: distortion", 2 * (count + LANES)),
        Buffer("augment: places", 2 * count, np.int32),
        Buffer("augment: old", padded, kind),
        Buffer("augment: old, with other strokes", padded, kind),
        *(words if whole else ()),
        new,
    )
    return new, 1
