"""The batch's pictures, brought into lanes."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.engines.compiled.clock import END, NEXT, START
from handgrad.engines.compiled.kernels.numba_forms import helper
from handgrad.engines.compiled.kernels.numbers import fill, lanes_in
from handgrad.engines.compiled.kernels.pointers import Bytes, Floats, Ints, Places, at, fetch
from handgrad.engines.compiled.kernels.tiles import list_tile, transpose_tile
from handgrad.engines.compiled.lanes import LANES


def gather_bytes(
    pictures: Bytes,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = picture[p] · scale[p] + shift[p]        for the chunk's pictures; else 0

    pictures (M, C·H·W) of 0..255, of which the order says the chunk's, or (lanes, C·H·W) just these
    where they are here; shift and scale (C·H·W,); X (C·H·W, lanes); rows: room for
    (lanes, C·H·W rounded up to 16).
    """
    gather(pictures, order, clock, chunk, size, here, shift, scale, rows, X)


def gather_floats(
    pictures: Floats,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """X[p, lane] = picture[p] · scale[p] + shift[p], as `gather_bytes`, of float32 pictures"""
    gather(pictures, order, clock, chunk, size, here, shift, scale, rows, X)


def list_bytes(
    pictures: Bytes,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
) -> None:
    """The pixels that are not zero, of each picture of the chunk: where they are, and x · scale.

    pictures as in `gather_bytes`; places and values (lanes, C·H·W + 16); starts (lanes,
    blocks + 1), the entry at which each block of pixels begins.
    """
    list_pixels(
        pictures, order, clock, chunk, size, here, blocks, block, scale, places, values, starts
    )


def list_floats(
    pictures: Floats,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
) -> None:
    """The pixels that are not zero, as `list_bytes`, of float32 pictures."""
    list_pixels(
        pictures, order, clock, chunk, size, here, blocks, block, scale, places, values, starts
    )


@helper
def gather(
    pictures: Any,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    shift: Floats,
    scale: Floats,
    rows: Floats,
    X: Floats,
) -> None:
    """See `gather_bytes`."""
    width = (size + LANES - 1) // LANES * LANES
    inside = lanes_in(clock, chunk)
    for lane in range(LANES):
        row = at(rows, lane * width)
        if lane < inside:
            picture = picture_of(pictures, order, clock, chunk, lane, size, here)
            for p in range(size):
                row[p] = np.float32(picture[p]) * scale[p] + shift[p]
        else:
            fill(row, size, np.float32(0))
    for p in range(0, width, LANES):
        transpose_tile(at(rows, p), width, at(X, p * LANES), LANES)


@helper
def list_pixels(
    pictures: Any,
    order: Ints,
    clock: Ints,
    chunk: int,
    size: int,
    here: int,
    blocks: int,
    block: int,
    scale: Floats,
    places: Places,
    values: Floats,
    starts: Ints,
) -> None:
    """See `list_bytes`."""
    inside = lanes_in(clock, chunk)
    for lane in range(LANES):
        start = at(starts, lane * (blocks + 1))
        if lane >= inside:
            for b in range(blocks + 1):
                start[b] = 0
            continue
        picture = picture_of(pictures, order, clock, chunk, lane, size, here)
        place, value = at(places, lane * (size + LANES)), at(values, lane * (size + LANES))
        entries = 0
        for b in range(blocks):
            start[b] = entries
            for p in range(b * block, min((b + 1) * block, size // LANES * LANES), LANES):
                entries += list_tile(
                    at(picture, p), p, at(scale, p), at(place, entries), at(value, entries)
                )
        for p in range(size // LANES * LANES, size):
            place[entries] = np.int32(p)
            value[entries] = np.float32(picture[p]) * scale[p]
            entries += picture[p] != 0
        start[blocks] = entries


@helper
def picture_of(
    pictures: Any, order: Ints, clock: Ints, chunk: int, lane: int, size: int, here: int
) -> Any:
    """The picture of a lane; of those that lie far away, the one of the next batch is asked for."""
    if here:
        return at(pictures, lane * size)
    fetch_picture(pictures, order, clock, chunk * LANES + lane, size)
    return at(pictures, order[clock[START] + chunk * LANES + lane] * size)


@helper
def fetch_picture(pictures: Any, order: Ints, clock: Ints, place: int, size: int) -> None:
    """Ask for the picture at this place in the next batch; in a drawn order no machine guesses it.

    It is this worker that will need it, and it has a whole step's time to come.
    """
    ahead = clock[NEXT] + place
    if ahead < clock[END]:
        picture = at(pictures, order[ahead] * size)
        for p in range(0, size, 64):
            fetch(at(picture, p))
