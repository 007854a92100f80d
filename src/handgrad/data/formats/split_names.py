"""Recognize the names of split folders, such as train, testSet and seg_train."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION

UNLABELLED = "unlabelled"
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
}
_UNLABELLED = ("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled")
_WORDS = SPLIT_NAMES | dict.fromkeys(_UNLABELLED, UNLABELLED)
_NEUTRAL = ("set", "sets", "data", "dataset", "image", "images", "img", "imgs", "files", "split")
SAMPLE = ("sample", "samples", "small", "mini", "tiny", "subset", "demo", "example", "examples")

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
_GLUED = re.compile(f"({'|'.join(sorted(_WORDS, key=len, reverse=True))})({'|'.join(_NEUTRAL)})")


class SplitName(NamedTuple):
    """The parts of the name of a split folder.

    Attributes:
        split: "train", "test" or "validation"; or "unlabelled" for images without labels.
        rest: the words of the name other than the split and words such as "data" and "images".
    """

    split: str
    rest: tuple[str, ...]


def parse_split(name: str) -> SplitName | None:
    """Return the parts of a folder's name, or None if it does not name exactly one split.

    >>> parse_split("trainingSet")
    SplitName(split='train', rest=())
    >>> parse_split("seg_test")
    SplitName(split='test', rest=('seg',))
    >>> parse_split("trains")
    """
    words: list[str] = []
    for part in _PART.findall(name):
        glued = _GLUED.fullmatch(part.lower())
        words.extend(glued.groups() if glued else [part.lower()])
    splits = {_WORDS[word] for word in words if word in _WORDS}
    if len(splits) != 1:
        return None
    known = {*_WORDS, *_NEUTRAL}
    rest = tuple(word for word in words if word not in known and not word.isdecimal())
    return SplitName(splits.pop(), rest)


def is_neutral(name: str) -> bool:
    """Return whether a folder's name is a general word, such as images, and no class or split."""
    words = [part.lower() for part in _PART.findall(name)]
    return all(word in _NEUTRAL for word in words)


def agree(names: Sequence[SplitName]) -> bool:
    """Return whether the names differ only in the split, as seg_train and seg_test do."""
    return len({name.rest for name in names}) == 1
