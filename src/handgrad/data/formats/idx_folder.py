"""A folder with IDX files, named as MNIST's are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from handgrad.data.formats.arrays import Arrays
from handgrad.data.formats.file_list import TEST, TRAIN
from handgrad.data.formats.idx import read_idx, read_labels
from handgrad.errors import DataError

_NAMES = {
    TRAIN: (("train-images", "train-labels"),),
    TEST: (("t10k-images", "t10k-labels"), ("test-images", "test-labels")),
}


def is_one(place: Path) -> bool:
    """Say whether a folder holds training images in an IDX file."""
    return place.is_dir() and _find(place, "train-images") is not None


def read(folder: Path) -> dict[str, Arrays]:
    """Return the arrays of each split: "train", and "test" where there is one.

    Raises:
        DataError: if a file is missing or broken.
    """
    splits = {}
    for split, pairs in _NAMES.items():
        found = (_arrays(folder, *pair) for pair in pairs)
        if arrays := next(filter(None, found), None):
            splits[split] = arrays
    return splits


def _arrays(folder: Path, images: str, labels: str) -> Arrays | None:
    """Return what two files hold; None: the images are missing."""
    first, second = _find(folder, images), _find(folder, labels)
    if first is None:
        return None
    if second is None:
        raise DataError(f"{folder} lacks the labels of {first.name}; add the file {labels}")
    X = read_idx(first)
    if X.dtype != np.uint8 or X.ndim not in (3, 4):
        raise DataError(
            f"{first}: holds {X.dtype} {X.shape} where uint8 images (N, H, W) or (N, C, H, W) "
            "belong; is it another file under this name?"
        )
    return Arrays(X, read_labels(second))


def _find(folder: Path, beginning: str) -> Path | None:
    """Return the file whose name begins so; None: there is none."""
    found = sorted(p for p in folder.glob(f"{beginning}*idx*") if p.is_file())
    return found[0] if found else None
