"""Translates augmentation, which randomly changes the images, into kernel calls."""

from __future__ import annotations

import numpy as np

from handgrad.data.augment.augmentation import grid_for
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.calls import Argument, Buffer, RunArgument

_WORK = 40  # operations for a pixel, besides those of the elastic distortion


def images(b: Builder) -> tuple[Argument, int]:
    """Emit the augmentation, if there is one.

    Returns:
        The array that holds the images, and a flag that describes the order of the images. The flag
        is 1 if the array holds only the chunk's images in the order of the lanes, and 0 if it holds
        the whole data set.
    """
    augmentation = b.input_format.augmentation
    if augmentation is None:
        return RunArgument("images"), 0
    C, H, W = b.net.shape
    tables = grid_for(augmentation, (H, W))
    _, count = tables.half_pixels.shape
    is_uint8, padded = b.input_format.is_uint8, (H + 3) * (W + 3) + LANES
    dtype = np.uint8 if is_uint8 else np.float32
    augmented = Buffer("augment: images", LANES * C * H * W, dtype)
    scratch = {
        "rows": Buffer(
            "augment: rows of control points", max(H * tables.row, LANES), per_worker=True
        ),
        "displacement": Buffer("augment: displacement", 2 * (count + LANES), per_worker=True),
        "sources": Buffer("augment: sources", 2 * count, np.int32, per_worker=True),
        "padded": Buffer("augment: padded image", padded, dtype, per_worker=True),
        "thickened": Buffer("augment: image with other strokes", padded, dtype, per_worker=True),
    }
    if is_uint8:
        scratch |= {
            "neighbors": Buffer("augment: four neighbors", padded, np.int32, per_worker=True),
            "neighbors_at": Buffer(
                "augment: four neighbors of each source", count, np.int32, per_worker=True
            ),
        }
    b.plan.notes.append(f"images: augmented by {augmentation}")
    b.plan.multiply_adds += H * W * (2 * tables.control_points + C * _WORK)
    b.per_chunk(
        f"augment.warp_{'uint8' if is_uint8 else 'float32'}",
        images=RunArgument("images"),
        order=RunArgument("order"),
        samples=RunArgument("samples"),
        channels=C,
        height=H,
        width=W,
        fill_value=augmentation.fill_value(dtype),
        edge=int(augmentation.fill is None),
        control_points=tables.control_points,
        row=tables.row,
        half_pixels=tables.half_pixels,
        down=tables.down,
        across=tables.across,
        indices=np.arange(max(tables.control_points, 1), dtype=np.int32),
        augmented=augmented,
        **scratch,
    )
    return augmented, 1
