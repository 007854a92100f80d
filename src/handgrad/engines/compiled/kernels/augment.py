"""The batch's images, changed at random: the same as in `handgrad.data.augment`, bit for bit.

Int32s are counted in 256ths of a pixel, from one pixel above and to the left of the image. All
numbers on the way to them are whole and below 2²⁴, which float32 holds exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.data.augment.grid import (
    BOTTOM,
    FINE,
    GAIN,
    HEAD,
    LEFT,
    LIFT,
    LIGHT,
    PIXEL,
    RIGHT,
    STROKE,
    TOP,
    X_BY_X,
    X_BY_Y,
    Y_BY_X,
    Y_BY_Y,
    X,
    Y,
)
from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.images import image_of
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, images_in_chunk
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Int32s, Ints, Number, at
from handgrad.engines.compiled.kernels.tiles import gather_tile
from handgrad.engines.compiled.runtime.step_state import START

_WHOLE = np.float32(PIXEL)
_HALF = np.float32(PIXEL**2 / 2)
_PART = np.float32(PIXEL**-2)


@kernel(
    reads="images, order, moves, half_pixels, down, across, indices",
    writes="augmented",
    scratch="rows, displacement, sources, padded, thickened, neighbors, neighbors_at",
)
def warp_uint8(
    images: Bytes,
    order: Ints,
    moves: Floats,
    step_state: Ints,
    chunk: int,
    channels: int,
    height: int,
    width: int,
    ground: float,
    edge: int,
    knots: int,
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
    """augmented[p] = image[s(p)]        s(p) = o + A p + Σᵢⱼ Bᵢ(y) Bⱼ(x) knots[i, j]

    Between four pixels by bilinear interpolation; outside lies the ground, or the edge goes on.
    images (M, C·H·W) of 0..255; moves (N, 16 + knots·row), what becomes of each; half_pixels (2,
    H·W rounded up), twice p from the middle; down (H, knots) and across (knots, W rounded up), B;
    indices[i] = i; augmented (lanes, C·H·W); and rooms for what is made on the way.
    """
    area, stride = height * width, width + 3
    size = channels * area
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(images_in_chunk(step_state, chunk)):
        image = image_of(images, order, step_state, chunk, lane, size, 0, 0, size, 64)
        params = at(moves, (step_state[START] + chunk * LANES + lane) * (HEAD + knots * row))
        bend(
            at(params, HEAD),
            height,
            width,
            knots,
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
            layer = pad(at(image, c * area), height, width, np.uint8(ground), edge, padded)
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
            erase(params, width, np.uint8(0 if edge else ground), target)


@kernel(
    reads="images, order, moves, half_pixels, down, across, indices",
    writes="augmented",
    scratch="rows, displacement, sources, padded, thickened",
)
def warp_float32(
    images: Floats,
    order: Ints,
    moves: Floats,
    step_state: Ints,
    chunk: int,
    channels: int,
    height: int,
    width: int,
    ground: float,
    edge: int,
    knots: int,
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
    """augmented[p] = image[s(p)], as `warp_uint8`, of float32 images"""
    area, size = height * width, channels * height * width
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(images_in_chunk(step_state, chunk)):
        image = image_of(images, order, step_state, chunk, lane, size, 0, 0, size, 16)
        params = at(moves, (step_state[START] + chunk * LANES + lane) * (HEAD + knots * row))
        bend(
            at(params, HEAD),
            height,
            width,
            knots,
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
            layer = pad(at(image, c * area), height, width, np.float32(ground), edge, padded)
            if params[STROKE] != 0:
                layer = thicken_float32(layer, height, width, params[STROKE], thickened)
            blend_float32(
                layer, sources, area, count, width + 3, params[GAIN], params[LIFT], target
            )
            erase(params, width, np.float32(0 if edge else ground), target)


@helper
def bend(
    knots_off: Floats,
    height: int,
    width: int,
    knots: int,
    row: int,
    count: int,
    down: Floats,
    across: Floats,
    indices: Int32s,
    rows: Floats,
    displacement: Floats,
) -> None:
    """displacement[y, x] = Σᵢⱼ Bᵢ(y) Bⱼ(x) knots[i, j]        in 65,536ths of a pixel, y and then x

    Without knots it stays zero, as it is at the beginning.
    """
    if knots == 0:
        return
    line = (width + LANES - 1) // LANES * LANES
    fill(rows, height * row, np.float32(0))
    fill(displacement, 2 * (count + LANES), np.float32(0))
    for y in range(height):
        for v in range(0, row, LANES):
            weights = at(down, y * knots)
            gather_tile(1, at(knots_off, v), row, indices, weights, knots, at(rows, y * row + v))
    for i in range(height * row):
        rows[i] = np.float32((np.int32(rows[i]) + 128) >> 8)
    for y in range(height):
        # Beyond the end of a row the weights are zero, so that nothing comes to the next.
        for v in range(0, line, LANES):
            weights, place = at(across, v), y * width + v
            gather_tile(
                1, weights, line, indices, at(rows, y * row), knots, at(displacement, place)
            )
            place += count + LANES
            gather_tile(
                1, weights, line, indices, at(rows, y * row + knots), knots, at(displacement, place)
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
    """Where each pixel comes from, y and then x, held to within a pixel of the image."""
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


@helper
def pad(image: Any, height: int, width: int, ground: Number, edge: int, padded: Any) -> Any:
    """The image with ground around it: one pixel above and left, two below and right."""
    stride = width + 3
    if not edge:
        for k in range((height + 3) * stride):
            padded[k] = ground
    for y in range(height):
        source, line = at(image, y * width), at(padded, (y + 1) * stride)
        for x in range(width):
            line[x + 1] = source[x]
        if edge:
            line[0] = source[0]
            line[width + 1] = source[width - 1]
            line[width + 2] = source[width - 1]
    if edge:
        for x in range(stride):
            padded[x] = padded[stride + x]
            padded[(height + 1) * stride + x] = padded[height * stride + x]
            padded[(height + 2) * stride + x] = padded[height * stride + x]
    return padded


@helper
def thicken_uint8(padded: Bytes, height: int, width: int, wider: Number, augmented: Bytes) -> Any:
    """Each pixel brought nearer to the lightest beside it, or the darkest, by |wider|/256."""
    stride, share = width + 3, abs(wider)
    for k in range(stride, (height + 1) * stride):
        above, below, left, right = (
            padded[k - stride],
            padded[k + stride],
            padded[k - 1],
            padded[k + 1],
        )
        if wider > 0:
            goal = max(above, below, left, right, padded[k])
        else:
            goal = min(above, below, left, right, padded[k])
        made = np.float32(padded[k]) * (_WHOLE - share) + np.float32(goal) * share
        augmented[k] = np.uint8((made + np.float32(PIXEL // 2)) * np.float32(1 / PIXEL))
    keep_ground(padded, height, width, augmented)
    return augmented


@helper
def thicken_float32(
    padded: Floats, height: int, width: int, wider: Number, augmented: Floats
) -> Any:
    """The same of float32 images."""
    stride, share = width + 3, abs(wider)
    for k in range(stride, (height + 1) * stride):
        above, below, left, right = (
            padded[k - stride],
            padded[k + stride],
            padded[k - 1],
            padded[k + 1],
        )
        if wider > 0:
            goal = max(above, below, left, right, padded[k])
        else:
            goal = min(above, below, left, right, padded[k])
        augmented[k] = between(padded[k], goal, share) * np.float32(1 / PIXEL)
    keep_ground(padded, height, width, augmented)
    return augmented


@helper
def keep_ground(padded: Any, height: int, width: int, augmented: Any) -> None:
    """What lies around the image stays as it is."""
    stride = width + 3
    for x in range(stride):
        augmented[x] = padded[x]
        augmented[(height + 1) * stride + x] = padded[(height + 1) * stride + x]
        augmented[(height + 2) * stride + x] = padded[(height + 2) * stride + x]
    for y in range(1, height + 1):
        for x in (0, width + 1, width + 2):
            augmented[y * stride + x] = padded[y * stride + x]


@helper
def blend_uint8(
    neighbors_at: Int32s,
    sources: Int32s,
    area: int,
    count: int,
    gain: Number,
    lift: Number,
    augmented: Bytes,
) -> None:
    """The pixels between four, which a word holds, multiplied and lifted."""
    sources_x = at(sources, count)
    for p in range(area):
        right, low = np.float32(sources_x[p] & 255), np.float32(sources[p] & 255)
        word = neighbors_at[p]
        a, b = np.float32(word & 255), np.float32((word >> 8) & 255)
        c, d = np.float32((word >> 16) & 255), np.float32((word >> 24) & 255)
        upper, lower = a * (_WHOLE - right) + b * right, c * (_WHOLE - right) + d * right
        pixel = np.uint8((upper * (_WHOLE - low) + lower * low + _HALF) * _PART)
        augmented[p] = np.uint8(
            (np.float32(pixel) * gain + lift + _WHOLE / 2) * np.float32(1 / PIXEL)
        )


@helper
def blend_float32(
    padded: Floats,
    sources: Int32s,
    area: int,
    count: int,
    stride: int,
    gain: Number,
    lift: Number,
    augmented: Floats,
) -> None:
    """The pixels between four of float32, multiplied and lifted."""
    most, least = np.float64(gain), np.float64(lift) / LIGHT
    for p in range(area):
        right, low = np.float32(sources[count + p] & 255), np.float32(sources[p] & 255)
        corner = at(padded, (sources[p] >> 8) * stride + (sources[count + p] >> 8))
        upper = between(corner[0], corner[1], right)
        lower = between(corner[stride], corner[stride + 1], right)
        pixel = between(upper, lower, low) * _PART
        augmented[p] = np.float32((np.float64(pixel) * most + least) * (1 / PIXEL))


@helper
def between(a: Number, b: Number, share: Number) -> Number:
    """256 times what lies between two float32: exact products, so that any order will do."""
    first, second = np.float64(_WHOLE - share), np.float64(share)
    return np.float32(np.float64(a) * first + np.float64(b) * second)


@helper
def erase(params: Floats, width: int, ground: Number, augmented: Any) -> None:
    """Blot out a rectangle, if there is one."""
    for y in range(np.int64(params[TOP]), np.int64(params[BOTTOM])):
        for x in range(np.int64(params[LEFT]), np.int64(params[RIGHT])):
            augmented[y * width + x] = ground
