"""The `Reader` protocol: the functions that a reader of a file format must provide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label, normalized, same_names

TRAIN, TEST, VALIDATION = "train", "test", "validation"


class ImagesAndLabels(NamedTuple):
    """The arrays of one split, as they are stored in a file.

    Attributes:
        images: the images, (N, H, W), (N, C, H, W) or (N, H, W, C).
        labels: the labels, (N,) strings or integers.
    """

    images: NDArray[Any]
    labels: NDArray[Any]


class FileList(NamedTuple):
    """The image files of one split, before they are decoded.

    Attributes:
        paths: the path of each image file.
        labels: the label of each image.
    """

    paths: list[Path]
    labels: list[Label]


Splits = Mapping[str, FileList] | Mapping[str, ImagesAndLabels]


class Skipped(NamedTuple):
    """A file or folder that a reader left out.

    Attributes:
        path: the path, which is relative to the data folder if the file is inside it.
        reason: why it was left out, such as "not an image".
    """

    path: str
    reason: str


def describe_skipped(skipped: Sequence[tuple[str, str]], names: int = 3) -> str:
    """Say in one sentence how many files were left out, and why; empty if none were.

    >>> describe_skipped([("a.txt", "not an image"), ("b.zip", "an archive")])
    'left out: 1 (not an image): a.txt; 1 (an archive): b.zip'

    Args:
        skipped: the files that were left out, as (path, reason).
        names: the number of files that are named for each reason.
    """
    parts = []
    for reason in dict.fromkeys(reason for _, reason in skipped):
        paths = [path for path, why in skipped if why == reason]
        more = ", ..." if len(paths) > names else ""
        parts.append(f"{len(paths):,} ({reason}): {', '.join(paths[:names])}{more}")
    return f"left out: {'; '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Contents:
    """The contents of a file or folder, as a reader found them.

    Attributes:
        splits: the arrays of each split, or its list of image files. There is one entry for each of
            "train", "test" and "validation" that the data contains; data without splits has only
            "train".
        unlabelled: the images without labels, which can only be predicted; None if there are none.
            Their labels are empty.
        summary: one line for the user that says how the data was read, such as "label: column 785
            `label`; 784 pixels, 28x28"; empty if there is nothing to say.
        skipped: the files and folders that were left out.
    """

    splits: Splits
    unlabelled: FileList | ImagesAndLabels | None = None
    summary: str = ""
    skipped: tuple[Skipped, ...] = ()


def with_normalized_labels(contents: Contents) -> Contents:
    """Return contents whose labels are in the Unicode normalization form NFC.

    The summary names the labels that occurred in several forms.
    """
    names: set[Label] = set()
    splits: dict[str, Any] = {}
    for key, split in contents.splits.items():
        if isinstance(split, FileList):
            names.update(split.labels)
            splits[key] = split._replace(labels=[*map(normalized, split.labels)])
        elif split.labels.dtype.kind == "U":
            unique, inverse = np.unique(split.labels, return_inverse=True)
            names.update(unique.tolist())
            labels = np.array([*map(normalized, unique.tolist())], np.str_)[inverse]
            splits[key] = split._replace(labels=labels)
        else:
            splits[key] = split
    merged = ", ".join(map(repr, same_names(names)))
    note = f"equal names in several Unicode forms are one class: {merged}" if merged else ""
    summary = "; ".join(filter(None, (contents.summary, note)))
    return replace(contents, splits=splits, summary=summary)


class Reader(Protocol):
    """A reader for one format. Any module with these two functions is a reader."""

    def accepts(self, path: Path) -> bool:
        """Return whether a file or folder has this format."""

    def read(self, path: Path) -> Contents:
        """Read the arrays of each split, or list its image files.

        Args:
            path: a file or folder for which `accepts` returned True.

        Raises:
            DataError: if the content is corrupted or has a different format.
        """
