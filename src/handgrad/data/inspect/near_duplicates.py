"""Find images that occur more than once, either exactly or nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.data.inspect.image_facts import THUMB, ImageFacts
from handgrad.data.inspect.issue import Issue, counted

MAX_IMAGES = 30_000  # the number of images that are compared pairwise
MAX_DIFFERENCE = 3.0  # of 255: the root mean square difference of near duplicates' thumbnails
_BLOCK = 1000

Pair = tuple[ImageFacts, ImageFacts]


def find_duplicates(images: Sequence[ImageFacts]) -> Iterator[Issue]:
    """Yield an issue for each kind of duplicate: across splits, across labels, within a class."""
    exact = _exact_pairs(images)
    yield from _issues(exact, "duplicate", "the same")
    known = {frozenset((a.path, b.path)) for a, b in exact}
    first = {image.digest: image for image in reversed(images)}
    near = [
        pair
        for pair in _near_pairs(list(first.values()))
        if frozenset((pair[0].path, pair[1].path)) not in known
    ]
    yield from _issues(near, "near duplicate", "nearly the same")


def _exact_pairs(images: Sequence[ImageFacts]) -> list[Pair]:
    """Return pairs of identical files: the first file of a group with each other file of it."""
    by_digest: dict[str, list[ImageFacts]] = defaultdict(list)
    for image in images:
        by_digest[image.digest].append(image)
    return [(group[0], other) for group in by_digest.values() for other in group[1:]]


def _near_pairs(images: Sequence[ImageFacts]) -> list[Pair]:
    """Return the pairs of images whose thumbnails are nearly equal."""
    compared = [image for image in images if not image.blank and image.thumb is not None]
    compared = compared[:MAX_IMAGES]
    if not compared:
        return []
    T = np.stack([image.thumb for image in compared])  # type: ignore[misc]
    T = T.reshape(len(compared), -1).astype(np.float32)
    squares = (T * T).sum(axis=1)
    limit = THUMB * THUMB * MAX_DIFFERENCE**2
    pairs = []
    for start in range(0, len(T), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = squares[rows, None] + squares[start:] - 2 * T[rows] @ T[start:].T
        for i, j in np.argwhere(distances < limit).tolist():
            if i < j:
                pairs.append((compared[start + i], compared[start + j]))
    return pairs


def _issues(pairs: Sequence[Pair], kind: str, words: str) -> Iterator[Issue]:
    """Yield an issue for each kind of pair: across splits, across labels, and within a class."""
    across = [(a, b) for a, b in pairs if a.split != b.split]
    two_labels = [(a, b) for a, b in pairs if a.split == b.split and a.label != b.label]
    within = [(a, b) for a, b in pairs if a.split == b.split and a.label == b.label]
    exact = kind == "duplicate"
    if across:
        yield Issue(
            f"{kind} across splits",
            "error" if exact else "warning",
            counted(
                len(across),
                f"image of one split is {words} as an image of another split",
                f"images of one split are {words} as images of another split",
            ),
            "remove them from one of the splits: testing on training images measures nothing",
            _names(across),
        )
    if two_labels:
        yield Issue(
            f"{kind} with two labels",
            "error" if exact else "warning",
            counted(
                len(two_labels),
                f"image is {words} as an image of another class",
                f"images are {words} as images of another class",
            ),
            "keep each image in only one class",
            _names(two_labels),
        )
    if within:
        yield Issue(
            kind,
            "warning" if exact else "note",
            counted(
                len(within),
                f"image is {words} as another image of its class",
                f"images are {words} as other images of their class",
            ),
            "remove all but one; otherwise they count more than once",
            _names(within),
        )


def _names(pairs: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(f"{a.path} and {b.path}" for a, b in pairs)
