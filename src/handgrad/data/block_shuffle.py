"""The order in which images are learned from: at random, and kind to files.

Images may lie in a memory-mapped file that does not fit into memory. A disk is slow at single
images in any place and fast at long stretches. So there the stretches are shuffled, and then
the images of some stretches together: those that come next lie in few places, which are known
beforehand.
"""

from __future__ import annotations

import math
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRETCH = 1 << 20  # the bytes that lie in a row
TOGETHER = 64  # the stretches whose images are mixed


def shuffled(images: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the places of all images in a random order, (N,) int64.

    Each order is as likely as any other, except in a mapped file of more than 64 MiB: there an
    image is mixed with those of 64 stretches of 1 MiB, and the stretches are drawn at random.

    Args:
        images: (N, ...).
        rng: what decides the order.
    """
    count, step = len(images), _step(images)
    if mapped_file(images) is None or count <= step * TOGETHER:
        return rng.permutation(count)
    stretches = rng.permutation(math.ceil(count / step))
    order = (stretches[:, None] * step + np.arange(step)).reshape(-1)
    order = order[order < count]
    for at in range(0, count, step * TOGETHER):
        rng.shuffle(order[at : at + step * TOGETHER])
    return order


def read_ahead(images: NDArray[Any], order: NDArray[np.integer[Any]]) -> int:
    """Have the system read images of a mapped file while other work goes on.

    Args:
        images: (N, ...); nothing happens where they lie in memory.
        order: the places that are wanted soon.

    Returns:
        How many bytes were asked for.
    """
    file = mapped_file(images)
    if file is None or not hasattr(file, "madvise"):
        return 0
    begin = images.ctypes.data - np.frombuffer(file, np.uint8).ctypes.data
    length = _step(images) * images[:1].nbytes
    asked = 0
    for stretch in np.unique(order // _step(images)).tolist():
        first = begin + stretch * length
        page = first - first % mmap.PAGESIZE  # the system wants the beginning of a page
        last = min(first + length, len(file))
        file.madvise(mmap.MADV_WILLNEED, page, last - page)
        asked += last - page
    return asked


def mapped_file(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapped file that an array lies in, in rows that follow each other, or None."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and array.flags.c_contiguous else None


def _step(images: NDArray[Any]) -> int:
    """Return how many images make a stretch."""
    return max(1, STRETCH // max(1, images[:1].nbytes))
