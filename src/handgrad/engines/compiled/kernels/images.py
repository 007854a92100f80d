"""Kernels that load a batch's images into lanes or into CSR matrices of nonzero pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.engines.compiled.kernels.decorators import helper, kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, images_in_chunk
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Int32s, Ints, at, prefetch
from handgrad.engines.compiled.kernels.step_state import END, NEXT, START
from handgrad.engines.compiled.kernels.tiles import compress_tile, transpose_tile


@kernel(reads="images, order, shift, scale", writes="X[share share_width]", scratch="rows")
def gather_uint8(
    images: Bytes,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = image[p] · scale[p] + shift[p]        0 in lanes without an image

    A call processes one share of the pixels, which is a contiguous range. Pixels are uint8.

    Args:
        images: all images (M, C·H·W) or, if `in_lane_order`, the chunk's images (lanes, C·H·W).
        order: the indices of the images in the order of the run.
        step_state: the step state.
        chunk: the index of the chunk.
        share: the index of the share.
        share_width: the number of pixels in a share.
        pixels: C·H·W.
        in_lane_order: whether `images` contains only the chunk's images.
        shift: (C·H·W,).
        scale: (C·H·W,).
        rows: scratch memory (lanes, share_width rounded up to 16).
        X: (C·H·W, lanes).
    """
    gather(
        images,
        order,
        step_state,
        chunk,
        share,
        share_width,
        pixels,
        in_lane_order,
        shift,
        scale,
        rows,
        X,
        64,
    )


@kernel(reads="images, order, shift, scale", writes="X[share share_width]", scratch="rows")
def gather_float32(
    images: Floats,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = image[p] · scale[p] + shift[p]

    The kernel does the same as `gather_uint8`, but for float32 images.
    """
    gather(
        images,
        order,
        step_state,
        chunk,
        share,
        share_width,
        pixels,
        in_lane_order,
        shift,
        scale,
        rows,
        X,
        16,
    )


@kernel(reads="images, order, scale", writes="indices, data, indptr")
def to_csr_uint8(
    images: Bytes,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    blocks: int,
    block: int,
    scale: Floats,
    indices: Int32s,
    data: Floats,
    indptr: Ints,
) -> None:
    """indices, data = {(p, image[p] · scale[p]) | image[p] ≠ 0}        for the chunk's images

    A call processes one share of the pixels, which is a contiguous range. Pixels are uint8. The
    parameters from `images` to `in_lane_order` have the same meaning as in `gather_uint8`.

    Args:
        images: the images.
        order: the indices of the images in the order of the run.
        step_state: the step state.
        chunk: the index of the chunk.
        share: the index of the share.
        share_width: the number of pixels in a share.
        pixels: C·H·W.
        in_lane_order: whether `images` contains only the chunk's images.
        blocks: the number of blocks in a share.
        block: the number of pixels in a block.
        scale: (C·H·W,).
        indices: (lanes, share_width + 16).
        data: (lanes, share_width + 16).
        indptr: (lanes, blocks + 1), the index of the first entry of each block of pixels.
    """
    to_csr(
        *(
            images,
            order,
            step_state,
            chunk,
            share,
            share_width,
            pixels,
            in_lane_order,
            blocks,
            block,
        ),
        *(scale, indices, data, indptr, 64),
    )


@kernel(reads="images, order, scale", writes="indices, data, indptr")
def to_csr_float32(
    images: Floats,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    blocks: int,
    block: int,
    scale: Floats,
    indices: Int32s,
    data: Floats,
    indptr: Ints,
) -> None:
    """indices, data = {(p, image[p] · scale[p]) | image[p] ≠ 0}

    The kernel does the same as `to_csr_uint8`, but for float32 images.
    """
    to_csr(
        *(
            images,
            order,
            step_state,
            chunk,
            share,
            share_width,
            pixels,
            in_lane_order,
            blocks,
            block,
        ),
        *(scale, indices, data, indptr, 16),
    )


@helper
def gather(
    images: Any,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
    line: int,
) -> None:
    """Do the work of `gather_uint8` for pixels of any type. A cache line holds `line` pixels."""
    first = share * share_width
    count = min(share_width, pixels - first)
    width = (share_width + LANES - 1) // LANES * LANES
    shifts, scales = at(shift, first), at(scale, first)
    inside = images_in_chunk(step_state, chunk)
    for lane in range(LANES):
        row = at(rows, lane * width)
        if lane < inside:
            image = image_of(
                images, order, step_state, chunk, lane, pixels, in_lane_order, first, count, line
            )
            for p in range(count):
                row[p] = np.float32(image[first + p]) * scales[p] + shifts[p]
        else:
            fill(row, count, np.float32(0))
    for p in range(0, count, LANES):
        transpose_tile(at(rows, p), width, at(X, (first + p) * LANES), LANES)


@helper
def to_csr(
    images: Any,
    order: Ints,
    step_state: Ints,
    chunk: int,
    share: int,
    share_width: int,
    pixels: int,
    in_lane_order: int,
    blocks: int,
    block: int,
    scale: Floats,
    indices: Int32s,
    data: Floats,
    indptr: Ints,
    line: int,
) -> None:
    """Do the work of `to_csr_uint8` for pixels of any type. A cache line holds `line` pixels."""
    first, inside = share * share_width, images_in_chunk(step_state, chunk)
    last = min(first + share_width, pixels)
    vectors = first + (last - first) // LANES * LANES
    for lane in range(LANES):
        start = at(indptr, lane * (blocks + 1))
        if lane >= inside:
            for b in range(blocks + 1):
                start[b] = 0
            continue
        image = image_of(
            images, order, step_state, chunk, lane, pixels, in_lane_order, first, last - first, line
        )
        place, value = (
            at(indices, lane * (share_width + LANES)),
            at(data, lane * (share_width + LANES)),
        )
        entries = 0
        for b in range(blocks):
            start[b] = entries
            begin = first + b * block
            end = min(begin + block, last)
            for p in range(begin, end - LANES + 1, LANES):
                entries += compress_tile(
                    at(image, p), p, at(scale, p), at(place, entries), at(value, entries)
                )
            for p in range(max(begin, vectors), end):
                place[entries] = np.int32(p)
                value[entries] = np.float32(image[p]) * scale[p]
                entries += image[p] != 0
        start[blocks] = entries


@helper
def image_of(
    images: Any,
    order: Ints,
    step_state: Ints,
    chunk: int,
    lane: int,
    pixels: int,
    in_lane_order: int,
    first: int,
    count: int,
    line: int,
) -> Any:
    """Return a pointer to the image that belongs to a lane.

    If `images` is the whole data set, the function also prefetches the pixels `first` to `first +
    count` of the image at the same position in the next batch.
    """
    if in_lane_order:
        return at(images, lane * pixels)
    place = chunk * LANES + lane
    prefetch_image(at(images, first), order, step_state, place, pixels, count, line)
    return at(images, order[step_state[START] + place] * pixels)


@helper
def prefetch_image(
    images: Any, order: Ints, step_state: Ints, place: int, pixels: int, count: int, line: int
) -> None:
    """Prefetch `count` pixels of the image at the same position in the next batch.

    If the order is shuffled, the processor cannot predict the address of the image. The same worker
    will read the image one step later.
    """
    ahead = step_state[NEXT] + place
    if ahead < step_state[END]:
        image = at(images, order[ahead] * pixels)
        for p in range(0, count, line):
            prefetch(at(image, p))
        prefetch(at(image, count - 1))
