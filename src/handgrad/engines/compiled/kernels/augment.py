"""The batch's images, changed at random: the same as in `handgrad.data.augment`, bit for bit.

Places are counted in 256ths of a pixel, from one pixel above and to the left of the image. All
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
from handgrad.engines.compiled.kernels.images import image_of
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numba_forms import helper
from handgrad.engines.compiled.kernels.numbers import fill, lanes_in
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Ints, Number, Places, at
from handgrad.engines.compiled.kernels.tiles import gather_tile
from handgrad.engines.compiled.runtime.step_state import START

_WHOLE = np.float32(PIXEL)
_HALF = np.float32(PIXEL**2 / 2)
_PART = np.float32(PIXEL**-2)


def move_bytes(
    images: Bytes,
    order: Ints,
    moves: Floats,
    clock: Ints,
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
    places: Places,
    rows: Floats,
    off: Floats,
    sources: Places,
    old: Bytes,
    other: Bytes,
    corners: Places,
    words: Places,
    new: Bytes,
) -> None:
    """new[p] = image[s(p)]        s(p) = o + A p + Σᵢⱼ Bᵢ(y) Bⱼ(x) knots[i, j]

    Between four pixels by bilinear interpolation; outside lies the ground, or the edge goes on.
    images (M, C·H·W) of 0..255; moves (N, 16 + knots·row), what becomes of each; half_pixels (2,
    H·W rounded up), twice p from the middle; down (H, knots) and across (knots, W rounded up), B;
    places[i] = i; new (lanes, C·H·W); and rooms for what is made on the way.
    """
    area, stride = height * width, width + 3
    size = channels * area
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(lanes_in(clock, chunk)):
        image = image_of(images, order, clock, chunk, lane, size, 0, 0, size, 64)
        move = at(moves, (clock[START] + chunk * LANES + lane) * (HEAD + knots * row))
        bend(at(move, HEAD), height, width, knots, row, count, down, across, places, rows, off)
        find_sources(move, height, width, count, half_pixels, off, sources)
        for c in range(channels):
            target = at(new, (lane * channels + c) * area)
            layer = pad(at(image, c * area), height, width, np.uint8(ground), edge, old)
            if move[STROKE] != 0:
                layer = thicken_bytes(layer, height, width, move[STROKE], other)
            for k in range((height + 2) * stride):
                corners[k] = (
                    np.int32(layer[k])
                    | np.int32(layer[k + 1]) << 8
                    | np.int32(layer[k + stride]) << 16
                    | np.int32(layer[k + stride + 1]) << 24
                )
            for p in range(area):
                words[p] = corners[(sources[p] >> 8) * stride + (sources[count + p] >> 8)]
            blend_bytes(words, sources, area, count, move[GAIN], move[LIFT], target)
            erase(move, width, np.uint8(0 if edge else ground), target)


def move_floats(
    images: Floats,
    order: Ints,
    moves: Floats,
    clock: Ints,
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
    places: Places,
    rows: Floats,
    off: Floats,
    sources: Places,
    old: Floats,
    other: Floats,
    new: Floats,
) -> None:
    """new[p] = image[s(p)], as `move_bytes`, of float32 images"""
    area, size = height * width, channels * height * width
    count = (area + LANES - 1) // LANES * LANES
    for lane in range(lanes_in(clock, chunk)):
        image = image_of(images, order, clock, chunk, lane, size, 0, 0, size, 16)
        move = at(moves, (clock[START] + chunk * LANES + lane) * (HEAD + knots * row))
        bend(at(move, HEAD), height, width, knots, row, count, down, across, places, rows, off)
        find_sources(move, height, width, count, half_pixels, off, sources)
        for c in range(channels):
            target = at(new, (lane * channels + c) * area)
            layer = pad(at(image, c * area), height, width, np.float32(ground), edge, old)
            if move[STROKE] != 0:
                layer = thicken_floats(layer, height, width, move[STROKE], other)
            blend_floats(layer, sources, area, count, width + 3, move[GAIN], move[LIFT], target)
            erase(move, width, np.float32(0 if edge else ground), target)


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
    places: Places,
    rows: Floats,
    off: Floats,
) -> None:
    """off[y, x] = Σᵢⱼ Bᵢ(y) Bⱼ(x) knots[i, j]        in 65,536ths of a pixel, y and then x

    Without knots it stays zero, as it is at the beginning.
    """
    if knots == 0:
        return
    line = (width + LANES - 1) // LANES * LANES
    fill(rows, height * row, np.float32(0))
    fill(off, 2 * (count + LANES), np.float32(0))
    for y in range(height):
        for v in range(0, row, LANES):
            weights = at(down, y * knots)
            gather_tile(1, at(knots_off, v), row, places, weights, knots, at(rows, y * row + v))
    for i in range(height * row):
        rows[i] = np.float32((np.int32(rows[i]) + 128) >> 8)
    for y in range(height):
        # Beyond the end of a row the weights are zero, so that nothing comes to the next.
        for v in range(0, line, LANES):
            weights, place = at(across, v), y * width + v
            gather_tile(1, weights, line, places, at(rows, y * row), knots, at(off, place))
            place += count + LANES
            gather_tile(1, weights, line, places, at(rows, y * row + knots), knots, at(off, place))


@helper
def find_sources(
    move: Floats,
    height: int,
    width: int,
    count: int,
    half_pixels: Floats,
    off: Floats,
    sources: Places,
) -> None:
    """Where each pixel comes from, y and then x, held to within a pixel of the image."""
    off_x, sources_x = at(off, count + LANES), at(sources, count)
    find_side(move[Y], move[Y_BY_Y], move[Y_BY_X], half_pixels, count, off, height, sources)
    find_side(move[X], move[X_BY_Y], move[X_BY_X], half_pixels, count, off_x, width, sources_x)


@helper
def find_side(
    middle: Number,
    by_y: Number,
    by_x: Number,
    half_pixels: Floats,
    count: int,
    off: Floats,
    size: int,
    sources: Places,
) -> None:
    """sources = middle + by_y · y + by_x · x + off"""
    right = at(half_pixels, count)
    for p in range(count):
        place = np.int32(middle + by_y * half_pixels[p] + by_x * right[p])
        bent = np.int32(off[p])
        near: Any = ((place + FINE // 2) >> 4) + ((bent + PIXEL // 2) >> 8)
        sources[p] = min(max(near, -PIXEL), PIXEL * size) + PIXEL


@helper
def pad(image: Any, height: int, width: int, ground: Number, edge: int, old: Any) -> Any:
    """The image with ground around it: one pixel above and left, two below and right."""
    stride = width + 3
    if not edge:
        for k in range((height + 3) * stride):
            old[k] = ground
    for y in range(height):
        source, line = at(image, y * width), at(old, (y + 1) * stride)
        for x in range(width):
            line[x + 1] = source[x]
        if edge:
            line[0] = source[0]
            line[width + 1] = source[width - 1]
            line[width + 2] = source[width - 1]
    if edge:
        for x in range(stride):
            old[x] = old[stride + x]
            old[(height + 1) * stride + x] = old[height * stride + x]
            old[(height + 2) * stride + x] = old[height * stride + x]
    return old


@helper
def thicken_bytes(old: Bytes, height: int, width: int, wider: Number, new: Bytes) -> Any:
    """Each pixel brought nearer to the lightest beside it, or the darkest, by |wider|/256."""
    stride, share = width + 3, abs(wider)
    for k in range(stride, (height + 1) * stride):
        above, below, left, right = old[k - stride], old[k + stride], old[k - 1], old[k + 1]
        if wider > 0:
            goal = max(above, below, left, right, old[k])
        else:
            goal = min(above, below, left, right, old[k])
        made = np.float32(old[k]) * (_WHOLE - share) + np.float32(goal) * share
        new[k] = np.uint8((made + np.float32(PIXEL // 2)) * np.float32(1 / PIXEL))
    keep_ground(old, height, width, new)
    return new


@helper
def thicken_floats(old: Floats, height: int, width: int, wider: Number, new: Floats) -> Any:
    """The same of float32 images."""
    stride, share = width + 3, abs(wider)
    for k in range(stride, (height + 1) * stride):
        above, below, left, right = old[k - stride], old[k + stride], old[k - 1], old[k + 1]
        if wider > 0:
            goal = max(above, below, left, right, old[k])
        else:
            goal = min(above, below, left, right, old[k])
        new[k] = between(old[k], goal, share) * np.float32(1 / PIXEL)
    keep_ground(old, height, width, new)
    return new


@helper
def keep_ground(old: Any, height: int, width: int, new: Any) -> None:
    """What lies around the image stays as it is."""
    stride = width + 3
    for x in range(stride):
        new[x] = old[x]
        new[(height + 1) * stride + x] = old[(height + 1) * stride + x]
        new[(height + 2) * stride + x] = old[(height + 2) * stride + x]
    for y in range(1, height + 1):
        for x in (0, width + 1, width + 2):
            new[y * stride + x] = old[y * stride + x]


@helper
def blend_bytes(
    words: Places,
    sources: Places,
    area: int,
    count: int,
    gain: Number,
    lift: Number,
    new: Bytes,
) -> None:
    """The pixels between four, which a word holds, multiplied and lifted."""
    sources_x = at(sources, count)
    for p in range(area):
        right, low = np.float32(sources_x[p] & 255), np.float32(sources[p] & 255)
        word = words[p]
        a, b = np.float32(word & 255), np.float32((word >> 8) & 255)
        c, d = np.float32((word >> 16) & 255), np.float32((word >> 24) & 255)
        upper, lower = a * (_WHOLE - right) + b * right, c * (_WHOLE - right) + d * right
        pixel = np.uint8((upper * (_WHOLE - low) + lower * low + _HALF) * _PART)
        new[p] = np.uint8((np.float32(pixel) * gain + lift + _WHOLE / 2) * np.float32(1 / PIXEL))


@helper
def blend_floats(
    old: Floats,
    sources: Places,
    area: int,
    count: int,
    stride: int,
    gain: Number,
    lift: Number,
    new: Floats,
) -> None:
    """The pixels between four of float32, multiplied and lifted."""
    most, least = np.float64(gain), np.float64(lift) / LIGHT
    for p in range(area):
        right, low = np.float32(sources[count + p] & 255), np.float32(sources[p] & 255)
        corner = at(old, (sources[p] >> 8) * stride + (sources[count + p] >> 8))
        upper = between(corner[0], corner[1], right)
        lower = between(corner[stride], corner[stride + 1], right)
        pixel = between(upper, lower, low) * _PART
        new[p] = np.float32((np.float64(pixel) * most + least) * (1 / PIXEL))


@helper
def between(a: Number, b: Number, share: Number) -> Number:
    """256 times what lies between two float32: exact products, so that any order will do."""
    first, second = np.float64(_WHOLE - share), np.float64(share)
    return np.float32(np.float64(a) * first + np.float64(b) * second)


@helper
def erase(move: Floats, width: int, ground: Number, new: Any) -> None:
    """Blot out a rectangle, if there is one."""
    for y in range(np.int64(move[TOP]), np.int64(move[BOTTOM])):
        for x in range(np.int64(move[LEFT]), np.int64(move[RIGHT])):
            new[y * width + x] = ground
