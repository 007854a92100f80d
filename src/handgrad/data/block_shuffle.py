"""Shuffle the order of the training images, in blocks if they are in a memory-mapped file.

Reading single images at random positions from a disk is slow, and reading long blocks is fast. In a
large file, the blocks are therefore shuffled first, and then the images within each group of
blocks. As a result, consecutive images come from a few blocks, which can be prefetched.
"""

from __future__ import annotations

import math
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 20
GROUP = 64  # the number of blocks whose images are mixed


def shuffled_indices(images: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices of all images in random order, (N,) int64.

    All orders are equally likely, except for a mapped file of more than 64 MiB. For such a file,
    blocks of 1 MiB are shuffled, and then the images within each group of 64 blocks.

    Args:
        images: the images, (N, ...).
        rng: the random number generator that determines the order.
    """
    count, block = len(images), _images_per_block(images)
    if mapped_file(images) is None or count <= block * GROUP:
        return rng.permutation(count)
    blocks = rng.permutation(math.ceil(count / block))
    order = (blocks[:, None] * block + np.arange(block)).reshape(-1)
    order = order[order < count]
    for start in range(0, count, block * GROUP):
        rng.shuffle(order[start : start + block * GROUP])
    return order


def prefetch(images: NDArray[Any], order: NDArray[np.integer[Any]]) -> int:
    """Ask the operating system to read images of a mapped file in the background.

    Args:
        images: the images, (N, ...). If they are in memory, nothing happens.
        order: the indices of images that will be needed soon.

    Returns:
        The number of bytes that were requested from the operating system.
    """
    file = mapped_file(images)
    if file is None or not hasattr(file, "madvise"):
        return 0
    offset = images.ctypes.data - np.frombuffer(file, np.uint8).ctypes.data
    length = _images_per_block(images) * images[:1].nbytes
    requested = 0
    for block in np.unique(order // _images_per_block(images)).tolist():
        first = offset + block * length
        page = first - first % mmap.PAGESIZE  # madvise needs the start of a page
        last = min(first + length, len(file))
        file.madvise(mmap.MADV_WILLNEED, page, last - page)
        requested += last - page
    return requested


def mapped_file(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapped file that contains a contiguous array, or None if there is none."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and array.flags.c_contiguous else None


def _images_per_block(images: NDArray[Any]) -> int:
    """Return the number of images per block."""
    return max(1, BLOCK_BYTES // max(1, images[:1].nbytes))
