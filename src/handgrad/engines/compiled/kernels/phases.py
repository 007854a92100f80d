"""What a phase of the plan, and so the loop that runs it, goes through."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What the items of a phase are."""

    TILES = 0  # a fixed number of pieces of work
    CHUNKS = 1  # the batch's chunks of 16 images, each perhaps in tiles
    EVERY = 2  # every worker does all of it for itself
    PYTHON = 3  # a function, called by Python for the whole batch
    HALVES = 4  # tiles, the first half of them for the first half of the chunks
    SHARES = 5  # the batch's chunks, all of them once for each tile
