"""Read a folder of IDX files with the file names of MNIST or of EMNIST.

EMNIST stores each image with its rows and columns exchanged; its images are turned upright here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.idx import open_content, read_at_most, read_idx, read_labels
from handgrad.data.formats.reader import TEST, TRAIN, Contents, ImagesAndLabels
from handgrad.errors import DataError

_IMAGES = re.compile(
    r"(?P<prefix>emnist-(?P<kind>[a-z]+)-)?(?P<split>train|test|t10k)-images[.-]idx\d-ubyte(\.\w+)?",
    re.IGNORECASE,
)
_SPLITS = {"train": TRAIN, "test": TEST, "t10k": TEST}
_MAX_MAPPING = 1 << 16  # bytes


class _File(NamedTuple):
    """A file of images.

    Attributes:
        path: the path of the file.
        kind: the part of EMNIST that it belongs to, such as "letters"; empty for MNIST's names.
        split: "train" or "test".
        prefix: the part of the names before the split.
        word: the split as it is written in the names: train, test or t10k.
    """

    path: Path
    kind: str
    split: str
    prefix: str
    word: str


def accepts(path: Path) -> bool:
    """Return whether the path is an IDX file of images, or a folder that contains one for training.

    The names are those of MNIST or of EMNIST.
    """
    if path.is_dir():
        return any(file.split == TRAIN for file in _image_files(path))
    return _parsed(path) is not None


def read(path: Path) -> Contents:
    """Read the training set, and the test set if there is one.

    Args:
        path: the folder, or one of the files of images in it.

    Raises:
        DataError: if a file is missing or corrupted, or the folder contains several data sets.
    """
    folder = path if path.is_dir() else path.parent
    files = _image_files(folder)
    kinds = sorted({file.kind for file in files})
    if path.is_dir() and len(kinds) > 1:
        first = next(file for file in files if file.split == TRAIN)
        names = ", ".join(kind or "mnist" for kind in kinds)
        raise DataError(
            f"{folder} contains several data sets: {names}; give a file of one, such as "
            f"{first.path}"
        )
    chosen = _parsed(path)
    kind = kinds[0] if chosen is None else chosen.kind
    splits: dict[str, ImagesAndLabels] = {}
    for file in files:
        if file.kind == kind and file.split not in splits:
            splits[file.split] = _read_pair(file)
    if not kind:
        return Contents(splits)
    X, _ = splits[TRAIN]
    return Contents(splits, summary=f"EMNIST {kind}: {len(X):,} training images, turned upright")


def turned_upright(X: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return EMNIST's images (N, H, W) with rows and columns exchanged."""
    return np.ascontiguousarray(X.swapaxes(-1, -2))


def _image_files(folder: Path) -> list[_File]:
    """Return the files of images in a folder, sorted by name; .gz files come last."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return list(filter(None, map(_parsed, paths)))


def _parsed(path: Path) -> _File | None:
    """Return the parts of a file's name, or None if it is not a name for IDX images."""
    match = _IMAGES.fullmatch(path.name)
    if match is None:
        return None
    kind, word = (match["kind"] or "").lower(), match["split"].lower()
    return _File(path, kind, _SPLITS[word], match["prefix"] or "", word)


def _read_pair(file: _File) -> ImagesAndLabels:
    """Read the images of a file, and the labels in the file that belongs to it."""
    labels = f"{file.prefix}{file.word}-labels"
    labels_file = _find(file.path.parent, labels)
    if labels_file is None:
        raise DataError(
            f"{file.path.parent} contains no labels for {file.path.name}; add the file {labels}"
        )
    X, y = read_idx(file.path), read_labels(labels_file)
    if X.dtype != np.uint8 or X.ndim not in (3, 4):
        raise DataError(
            f"{file.path}: expected uint8 images (N, H, W) or (N, C, H, W), found {X.dtype} "
            f"{X.shape}; does the file contain other data?"
        )
    return (
        ImagesAndLabels(turned_upright(X), _named(file, y)) if file.kind else ImagesAndLabels(X, y)
    )


def _named(file: _File, y: NDArray[np.uint8]) -> NDArray[np.str_] | NDArray[np.uint8]:
    """Return the labels as characters, if they are not digits and their characters are known.

    The file emnist-KIND-mapping.txt has one line per class: the label, and the code points of its
    characters. Without this file, the labels 1..26 of "letters" are A..Z, and other labels remain
    integers.

    Raises:
        DataError: if a label is not in the mapping.
    """
    mapping = _find(file.path.parent, f"{file.prefix}mapping")
    names = {k: chr(64 + k) for k in range(1, 27)} if file.kind == "letters" else {}
    if mapping is not None:
        with open_content(mapping) as content:
            text = read_at_most(content, _MAX_MAPPING).decode("ascii", "replace")
        rows = [line.split() for line in text.splitlines() if line.strip()]
        if not all(len(row) >= 2 and all(map(str.isdecimal, row)) for row in rows):
            raise DataError(
                f"{mapping}: expected a label and the code of its character in each line; get the "
                "file again"
            )
        names = {int(label): chr(int(code)) for label, code, *_ in rows if int(code) < 0xD800}
    if not names or all(name.isdecimal() for name in names.values()):
        return y
    unknown = sorted(set(np.unique(y).tolist()) - names.keys())
    if unknown:
        raise DataError(
            f"{file.path}: the label {unknown[0]} has no character in {mapping or 'A..Z'}; "
            "take all files from the same data set"
        )
    return np.array([names.get(k, "") for k in range(256)], np.str_)[y]


def _find(folder: Path, prefix: str) -> Path | None:
    """Return the first file whose name starts with a prefix, or None if there is none."""
    found = sorted(p for p in folder.glob(f"{prefix}*") if p.is_file())
    return found[0] if found else None
