"""Images that are the same, or nearly so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.data.inspect.file_checks import THUMB, Image
from handgrad.data.inspect.issue import Finding, counted

MOST = 30_000  # images that are compared each with each
NEAR = 3.0  # of 255: the mean difference of the pixels of small copies that are nearly the same
_BLOCK = 1000

Pair = tuple[Image, Image]


def duplicates(images: Sequence[Image]) -> Iterator[Finding]:
    """Find images that occur twice: in two splits, under two labels, or within a class."""
    same = _same(images)
    yield from _findings(same, "duplicate", "the same")
    known = {frozenset((a.path, b.path)) for a, b in same}
    first = {image.digest: image for image in reversed(images)}
    near = [
        p for p in _near(list(first.values())) if frozenset((p[0].path, p[1].path)) not in known
    ]
    yield from _findings(near, "near duplicate", "nearly the same")


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what names are sorted by so that 2 comes before 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def _same(images: Sequence[Image]) -> list[Pair]:
    """Return the pairs of files with the same content, each with the first of its kind."""
    by_digest: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        by_digest[image.digest].append(image)
    return [(group[0], other) for group in by_digest.values() for other in group[1:]]


def _near(images: Sequence[Image]) -> list[Pair]:
    """Return the pairs of images whose small copies differ little."""
    some = [p for p in images if not p.blank and p.thumb is not None][:MOST]
    if not some:
        return []
    T = np.stack([p.thumb for p in some]).reshape(len(some), -1).astype(np.float32)  # type: ignore[misc]
    squares = (T * T).sum(axis=1)
    limit = THUMB * THUMB * NEAR**2
    pairs = []
    for at in range(0, len(T), _BLOCK):
        rows = slice(at, at + _BLOCK)
        apart = squares[rows, None] + squares[at:] - 2 * T[rows] @ T[at:].T
        for i, j in np.argwhere(apart < limit).tolist():
            if i < j:
                pairs.append((some[at + i], some[at + j]))
    return pairs


def _findings(pairs: Sequence[Pair], kind: str, words: str) -> Iterator[Finding]:
    """Say which pairs lie in two splits, bear two labels, or neither."""
    across = [p for p in pairs if p[0].split != p[1].split]
    torn = [p for p in pairs if p[0].split == p[1].split and p[0].label != p[1].label]
    within = [p for p in pairs if p[0].split == p[1].split and p[0].label == p[1].label]
    exact = kind == "duplicate"
    if across:
        yield Finding(
            *(f"{kind} across splits", "error" if exact else "warning"),
            counted(
                *(len(across), f"image of one split is {words} in another"),
                f"images of one split are {words} in another",
            ),
            "remove them from one of the two: the test would be of what was learned",
            _names(across),
        )
    if torn:
        yield Finding(
            *(f"{kind} under two labels", "error" if exact else "warning"),
            counted(
                *(len(torn), f"image is {words} in two classes"),
                f"images are {words} in two classes",
            ),
            "decide for one class",
            _names(torn),
        )
    if within:
        yield Finding(
            *(f"{kind}", "warning" if exact else "note"),
            counted(
                *(len(within), f"image of a class is {words} as another"),
                f"images of a class are {words} as another",
            ),
            "remove all but one, or they count twice",
            _names(within),
        )


def _names(pairs: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(f"{a.path} and {b.path}" for a, b in pairs)
