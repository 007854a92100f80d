"""The batch's images, brought into lanes."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numba_forms import helper
from handgrad.engines.compiled.kernels.numbers import fill, lanes_in
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Ints, Places, at, fetch
from handgrad.engines.compiled.kernels.tiles import list_tile, transpose_tile
from handgrad.engines.compiled.runtime.step_state import END, NEXT, START


def gather_bytes(
    images: Bytes,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = image[p] · scale[p] + shift[p]        for the chunk's images; else 0

    A share of `cut` pixels. images (M, C·H·W) of 0..255, of which the order says the chunk's, or
    (lanes, C·H·W) just these where they are here; shift and scale (C·H·W,); X (C·H·W, lanes);
    rows: room for (lanes, cut rounded up to 16).
    """
    gather(images, order, clock, chunk, share, cut, size, here, shift, scale, rows, X, 64)


def gather_floats(
    images: Floats,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = image[p] · scale[p] + shift[p], as `gather_bytes`, of float32 images"""
    gather(images, order, clock, chunk, share, cut, size, here, shift, scale, rows, X, 16)


def list_bytes(
    images: Bytes,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
) -> None:
    """The pixels that are not zero, of each image of the chunk: where they are, and x · scale.

    A share of `cut` pixels. images as in `gather_bytes`; places and values (lanes, cut + 16);
    starts (lanes, blocks + 1), the entry at which each block of pixels begins.
    """
    list_pixels(
        *(images, order, clock, chunk, share, cut, size, here, blocks, block),
        *(scale, places, values, starts, 64),
    )


def list_floats(
    images: Floats,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
) -> None:
    """The pixels that are not zero, as `list_bytes`, of float32 images."""
    list_pixels(
        *(images, order, clock, chunk, share, cut, size, here, blocks, block),
        *(scale, places, values, starts, 16),
    )


@helper
def gather(
    images: Any,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
    line: int,
) -> None:
    """See `gather_bytes`; a cache line holds `line` pixels."""
    first = share * cut
    count = min(cut, size - first)
    width = (cut + LANES - 1) // LANES * LANES
    shifts, scales = at(shift, first), at(scale, first)
    inside = lanes_in(clock, chunk)
    for lane in range(LANES):
        row = at(rows, lane * width)
        if lane < inside:
            image = image_of(images, order, clock, chunk, lane, size, here, first, count, line)
            for p in range(count):
                row[p] = np.float32(image[first + p]) * scales[p] + shifts[p]
        else:
            fill(row, count, np.float32(0))
    for p in range(0, count, LANES):
        transpose_tile(at(rows, p), width, at(X, (first + p) * LANES), LANES)


@helper
def list_pixels(
    images: Any,
    order: Ints,
    clock: Ints,
    chunk: int,
    share: int,
    cut: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
    line: int,
) -> None:
    """See `list_bytes`; a cache line holds `line` pixels."""
    first, inside = share * cut, lanes_in(clock, chunk)
    last = min(first + cut, size)
    vectors = first + (last - first) // LANES * LANES
    for lane in range(LANES):
        start = at(starts, lane * (blocks + 1))
        if lane >= inside:
            for b in range(blocks + 1):
                start[b] = 0
            continue
        image = image_of(images, order, clock, chunk, lane, size, here, first, last - first, line)
        place, value = at(places, lane * (cut + LANES)), at(values, lane * (cut + LANES))
        entries = 0
        for b in range(blocks):
            start[b] = entries
            begin = first + b * block
            end = min(begin + block, last)
            for p in range(begin, end - LANES + 1, LANES):
                entries += list_tile(
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
    clock: Ints,
    chunk: int,
    lane: int,
    size: int,
    here: int,
    first: int,
    count: int,
    line: int,
) -> Any:
    """The image of a lane, of which `count` pixels are wanted.

    Of images that lie far away, those pixels of the next batch's are asked for.
    """
    if here:
        return at(images, lane * size)
    place = chunk * LANES + lane
    fetch_image(at(images, first), order, clock, place, size, count, line)
    return at(images, order[clock[START] + place] * size)


@helper
def fetch_image(
    images: Any, order: Ints, clock: Ints, place: int, size: int, count: int, line: int
) -> None:
    """Ask for the image at this place in the next batch; in a drawn order no machine guesses it.

    It is this worker that will need these `count` pixels, and they have a whole step to come.
    """
    ahead = clock[NEXT] + place
    if ahead < clock[END]:
        image = at(images, order[ahead] * size)
        for p in range(0, count, line):
            fetch(at(image, p))
        fetch(at(image, count - 1))
