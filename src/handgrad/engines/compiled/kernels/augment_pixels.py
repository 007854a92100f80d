"""Helpers for the augmentation kernels: borders, stroke width, interpolation and erasing."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.data.augment.layout import BOTTOM, LEFT, LIGHT, PIXEL, RIGHT, TOP
from handgrad.engines.compiled.kernels.decorators import helper
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Int32s, Number, at

_WHOLE = np.float32(PIXEL)
_HALF = np.float32(PIXEL**2 / 2)
_PART = np.float32(PIXEL**-2)


@helper
def pad(image: Any, height: int, width: int, fill_value: Number, edge: int, padded: Any) -> Any:
    """Return the image with a border of one pixel above and left, and two below and right."""
    stride = width + 3
    if not edge:
        for k in range((height + 3) * stride):
            padded[k] = fill_value
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
    """Blend each pixel with its lightest or darkest neighbor, which has the weight |wider|/256."""
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
    copy_border(padded, height, width, augmented)
    return augmented


@helper
def thicken_float32(
    padded: Floats, height: int, width: int, wider: Number, augmented: Floats
) -> Any:
    """Do the same as `thicken_uint8`, but for float32 images."""
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
    copy_border(padded, height, width, augmented)
    return augmented


@helper
def copy_border(padded: Any, height: int, width: int, augmented: Any) -> None:
    """Copy the border of an image to the augmented image."""
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
    """Interpolate between the four pixels that each word contains, and adjust the contrast."""
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
    """Do the same as `blend_uint8`, but for float32 images."""
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
    """Return 256 times the interpolation of two float32 numbers, using exact products."""
    first, second = np.float64(_WHOLE - share), np.float64(share)
    return np.float32(np.float64(a) * first + np.float64(b) * second)


@helper
def erase(params: Floats, width: int, fill_value: Number, augmented: Any) -> None:
    """Fill the rectangle that is to be erased, if there is one."""
    for y in range(np.int64(params[TOP]), np.int64(params[BOTTOM])):
        for x in range(np.int64(params[LEFT]), np.int64(params[RIGHT])):
            augmented[y * width + x] = fill_value
