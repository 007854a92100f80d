"""The kinds of work items that a phase can have, such as tiles or chunks of a batch."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """The kind of the work items of a phase.

    The items are divided evenly between the workers. Each worker gets a contiguous range.
    """

    TILES = 0  # a fixed number of tiles
    CHUNKS = 1  # the batch's chunks of 16 images
    EACH_WORKER = 2  # one item, which every worker computes for itself
    PYTHON = 3  # a Python function, called for the whole batch
    TILES_BY_HALF = 4  # tiles; the first half of them uses only the first half of the chunks
    CHUNKS_BY_SHARE = 5  # each chunk once for each tile; all chunks of one tile come first
