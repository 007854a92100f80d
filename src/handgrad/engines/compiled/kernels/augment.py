"""Kernels for augmentation: shift, rotation, elastic distortion, erasing, stroke width, contrast.

Coordinates are in units of 1/256 pixel. Their origin is one pixel above and one pixel to the left
of the image. All intermediate results are integers below 2²⁴, which float32 represents exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.data.augment.layout import (
    FINE,
    GAIN,
    HEAD,
    LIFT,
    PIXEL,
    STROKE,
    X_BY_X,
    X_BY_Y,
    Y_BY_X,
    Y_BY_Y,
    X,
    Y,
)
from handgrad.engines.compiled.kernels.augment_pixels import (
    blend_float32,
    blend_uint8,
    erase,
    pad,
    thicken_float32,
    thicken_uint8,
)
from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.images import image_of
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, images_in_chunk
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Int32s, Ints, Number, at
from handgrad.engines.compiled.kernels.step_state import START
from handgrad.engines.compiled.kernels.tiles import gather_tile


@kernel(
    reads="images, order, samples, half_pixels, down, across, indices",
    writes="augmented",
    scratch="rows, displacement, sources, padded, thickened, neighbors, neighbors_at",
)
def warp_uint8(
    images: Bytes,
    order: Ints,
    samples: Floats,
    step_state: Ints,
    chunk: int,
    channels: int,
    height: int,
    width: int,
    fill_value: float,
    edge: int,
    control_points: int,
    row: int,
    half_pixels: Floats,
    down: Floats,
    across: Floats,
    indices: Int32s,
    rows: Floats,
    displacement: Floats,
    sources: Int32s,
    padded: Bytes,
    thickened: Bytes,
    neighbors: Int32s,
    neighbors_at: Int32s,
    augmented: Bytes,
) -> None:
    """augmented[p] = image[s(p)]        s(p) = o + A p + Σᵢⱼ Bᵢ(y) Bⱼ(x) points[i, j]

    Pixel values are interpolated bilinearly between four pixels. Outside the image, the value is
    that of the nearest edge pixel if `edge` is set, and `fill_value` otherwise. Pixels are uint8.

    Args:
        images: all images (M, C·H·W).
        order: the indices of the images in the order of the run.
        samples: the augmentation parameters of each image of the run, (N, 16 + control_points·row).
        step_state: the step state.
        chunk: the index of the chunk.
        channels: C.
        height: H.
        width: W.
        fill_value: the pixel value outside the image if `edge` is not set.
        edge: whether to fill areas outside the image by repeating its edge pixels, rather than with
            `fill_value`.
        control_points: the number of control points per side, or 0 for no elastic distortion.
        row: the number of elements in a row of control points.
        half_pixels: (2, H·W rounded up), twice the coordinates of each pixel p relative to the
            center.
        down: the weights Bᵢ(y), (H, control_points).
        across: the weights Bⱼ(x), (control_points, W rounded up).
        indices: indices[i] = i.
        rows: scratch memory of shape (H, row).
        displacement: scratch memory (2, H·W rounded up + 16) for the elastic displacement of each
            pixel. The memory must be zero if there are no control points.
        sources: scratch memory (2, H·W rounded up) for the source position s(p) of each pixel p.
        padded: scratch memory (H + 3, W + 3) for the image with a border.
        thickened: scratch memory (H + 3, W + 3) for the image with wider or thinner strokes.
        neighbors: scratch memory (H + 3, W + 3); each word contains a pixel and three of its
            neighbors.
        neighbors_at: scratch memory (H·W rounded up) for the word of `neighbors` at each s(p).
        augmented: the augmented images (lanes, C·H·W).
    """
    area, stride = height * width, width + 3
    size = channels * area
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(images_in_chunk(step_state, chunk)):
        image = image_of(images, order, step_state, chunk, lane, size, 0, 0, size, 64)
        params = at(
            samples, (step_state[START] + chunk * LANES + lane) * (HEAD + control_points * row)
        )
        bend(
            at(params, HEAD),
            height,
            width,
            control_points,
            row,
            count,
            down,
            across,
            indices,
            rows,
            displacement,
        )
        find_sources(params, height, width, count, half_pixels, displacement, sources)
        for c in range(channels):
            target = at(augmented, (lane * channels + c) * area)
            layer = pad(at(image, c * area), height, width, np.uint8(fill_value), edge, padded)
            if params[STROKE] != 0:
                layer = thicken_uint8(layer, height, width, params[STROKE], thickened)
            for k in range((height + 2) * stride):
                neighbors[k] = (
                    np.int32(layer[k])
                    | np.int32(layer[k + 1]) << 8
                    | np.int32(layer[k + stride]) << 16
                    | np.int32(layer[k + stride + 1]) << 24
                )
            for p in range(area):
                neighbors_at[p] = neighbors[(sources[p] >> 8) * stride + (sources[count + p] >> 8)]
            blend_uint8(neighbors_at, sources, area, count, params[GAIN], params[LIFT], target)
            erase(params, width, np.uint8(0 if edge else fill_value), target)


@kernel(
    reads="images, order, samples, half_pixels, down, across, indices",
    writes="augmented",
    scratch="rows, displacement, sources, padded, thickened",
)
def warp_float32(
    images: Floats,
    order: Ints,
    samples: Floats,
    step_state: Ints,
    chunk: int,
    channels: int,
    height: int,
    width: int,
    fill_value: float,
    edge: int,
    control_points: int,
    row: int,
    half_pixels: Floats,
    down: Floats,
    across: Floats,
    indices: Int32s,
    rows: Floats,
    displacement: Floats,
    sources: Int32s,
    padded: Floats,
    thickened: Floats,
    augmented: Floats,
) -> None:
    """augmented[p] = image[s(p)]

    The kernel does the same as `warp_uint8`, but for float32 images.
    """
    area, size = height * width, channels * height * width
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(images_in_chunk(step_state, chunk)):
        image = image_of(images, order, step_state, chunk, lane, size, 0, 0, size, 16)
        params = at(
            samples, (step_state[START] + chunk * LANES + lane) * (HEAD + control_points * row)
        )
        bend(
            at(params, HEAD),
            height,
            width,
            control_points,
            row,
            count,
            down,
            across,
            indices,
            rows,
            displacement,
        )
        find_sources(params, height, width, count, half_pixels, displacement, sources)
        for c in range(channels):
            target = at(augmented, (lane * channels + c) * area)
            layer = pad(at(image, c * area), height, width, np.float32(fill_value), edge, padded)
            if params[STROKE] != 0:
                layer = thicken_float32(layer, height, width, params[STROKE], thickened)
            blend_float32(
                layer, sources, area, count, width + 3, params[GAIN], params[LIFT], target
            )
            erase(params, width, np.float32(0 if edge else fill_value), target)


@helper
def bend(
    offsets: Floats,
    height: int,
    width: int,
    control_points: int,
    row: int,
    count: int,
    down: Floats,
    across: Floats,
    indices: Int32s,
    rows: Floats,
    displacement: Floats,
) -> None:
    """displacement[y, x] = Σᵢⱼ Bᵢ(y) Bⱼ(x) points[i, j]

    The displacements are in units of 1/65,536 pixel, first in y and then in x. Nothing is written
    if there are no control points.
    """
    if control_points == 0:
        return
    line = (width + LANES - 1) // LANES * LANES
    fill(rows, height * row, np.float32(0))
    fill(displacement, 2 * (count + LANES), np.float32(0))
    for y in range(height):
        for v in range(0, row, LANES):
            weights = at(down, y * control_points)
            gather_tile(
                1, at(offsets, v), row, indices, weights, control_points, at(rows, y * row + v)
            )
    for i in range(height * row):
        rows[i] = np.float32((np.int32(rows[i]) + 128) >> 8)
    for y in range(height):
        # Beyond the end of a row the weights are zero, so the next row does not change.
        for v in range(0, line, LANES):
            weights, place = at(across, v), y * width + v
            gather_tile(
                1,
                weights,
                line,
                indices,
                at(rows, y * row),
                control_points,
                at(displacement, place),
            )
            place += count + LANES
            gather_tile(
                1,
                weights,
                line,
                indices,
                at(rows, y * row + control_points),
                control_points,
                at(displacement, place),
            )


@helper
def find_sources(
    params: Floats,
    height: int,
    width: int,
    count: int,
    half_pixels: Floats,
    displacement: Floats,
    sources: Int32s,
) -> None:
    """Compute the coordinates s(p), first y, then x, at most one pixel outside the image."""
    displacement_x, sources_x = at(displacement, count + LANES), at(sources, count)
    find_side(
        params[Y], params[Y_BY_Y], params[Y_BY_X], half_pixels, count, displacement, height, sources
    )
    find_side(
        params[X],
        params[X_BY_Y],
        params[X_BY_X],
        half_pixels,
        count,
        displacement_x,
        width,
        sources_x,
    )


@helper
def find_side(
    middle: Number,
    by_y: Number,
    by_x: Number,
    half_pixels: Floats,
    count: int,
    displacement: Floats,
    size: int,
    sources: Int32s,
) -> None:
    """sources = middle + by_y · y + by_x · x + displacement"""
    right = at(half_pixels, count)
    for p in range(count):
        place = np.int32(middle + by_y * half_pixels[p] + by_x * right[p])
        bent = np.int32(displacement[p])
        near: Any = ((place + FINE // 2) >> 4) + ((bent + PIXEL // 2) >> 8)
        sources[p] = min(max(near, -PIXEL), PIXEL * size) + PIXEL
