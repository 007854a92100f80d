"""Split a dataset at random, with the same fraction of every class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError
from handgrad.random import generator


def stratified(
    labels: NDArray[np.int64],
    share: float,
    seed: int,
    copies: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Choose a fraction of the images at random, with the same fraction of every class.

    Copies of one image are either all chosen or all not chosen. Copies with different labels are
    never chosen. Without copies, the choice depends only on the labels, the fraction and the seed.

    Args:
        labels: the labels, (N,) integers 0..K-1.
        share: the fraction of images to choose, above 0 and below 1.
        seed: the random seed that determines the choice.
        copies: for each image, the index of the first image that is equal to it (see
            `first_copies`), (N,); None if all images differ.

    Returns:
        True for each chosen image, (N,) bool. In a class with two or more different images, at
        least one is chosen and at least one is not.

    Raises:
        ConfigError: if the fraction is out of range.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation must be a fraction above 0 and below 1, not {share}")
    order = generator(seed, "split").permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)
    first = np.arange(len(labels)) if copies is None else copies
    copied = np.unique(first[first != np.arange(len(first))]).tolist()
    groups = {k: np.flatnonzero(first == k) for k in copied}

    chosen = np.zeros(len(labels), bool)
    ends = np.cumsum(counts)
    for end, size, count in zip(ends, counts, _counts_to_choose(counts, share), strict=True):
        members = by_class[end - size : end]
        chosen[_choose(members, int(count), labels, first, groups)] = True
    return chosen


def _choose(
    members: NDArray[np.int64],
    count: int,
    labels: NDArray[np.int64],
    first: NDArray[np.int64],
    groups: Mapping[int, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Choose about `count` images of one class, in their order, without separating copies.

    Args:
        members: the images of the class, in random order.
        count: the number of images to choose; below the number of members.
        labels: the labels of all images.
        first: for each image, the index of the first image that is equal to it.
        groups: for each image that has copies, the indices of all copies, by the first index.
    """
    if not np.isin(first[members], list(groups)).any():
        return members[:count]
    distinct = list(dict.fromkeys(first[members].tolist()))
    equal = [groups.get(k, np.array([k])) for k in distinct]
    one_label = [group for group in equal if len(set(labels[group].tolist())) == 1]
    taken: list[int] = []
    for group in one_label:
        if len(taken) + len(group) <= count:
            taken.extend(group.tolist())
    if not taken and count and one_label and len(equal) > 1:
        taken = min(one_label, key=len).tolist()  # every group has more images than `count`
    return np.array(taken, np.int64)


def first_copies(images: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    """Return for each image the index of the first image that is equal to it, (N,) int64.

    Args:
        images: the N images, in any shape. Two images are equal if all their values are equal.
    """
    seen: dict[bytes, int] = {}
    digests = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images)
    return np.array([seen.setdefault(d, i) for i, d in enumerate(digests)], np.int64)


def _counts_to_choose(counts: NDArray[np.integer[Any]], share: float) -> NDArray[np.int64]:
    """Return how many images to choose from each class, (K,).

    Each count is rounded down. The classes with the largest remainders then get one more image, so
    that the total is right. Every class with two or more images contributes at least one image to
    each part of the split.
    """
    exact = counts * share
    rounded = np.floor(exact).astype(np.int64)
    missing = round(float(counts.sum() * share)) - int(rounded.sum())
    rounded[np.argsort(rounded - exact, kind="stable")[:missing]] += 1
    return np.where(counts < 2, 0, np.clip(rounded, 1, np.maximum(counts - 1, 1)))
