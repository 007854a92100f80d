"""Read a folder of IDX files with MNIST's file names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from handgrad.data.formats.idx import read_idx, read_labels
from handgrad.data.formats.reader import TEST, TRAIN, Contents, ImagesAndLabels
from handgrad.errors import DataError

_NAMES = {
    TRAIN: (("train-images", "train-labels"),),
    TEST: (("t10k-images", "t10k-labels"), ("test-images", "test-labels")),
}


def accepts(path: Path) -> bool:
    """Return whether the path is a folder that contains training images in an IDX file."""
    return path.is_dir() and _find(path, "train-images") is not None


def read(path: Path) -> Contents:
    """Read the training set, and the test set if there is one.

    Raises:
        DataError: if a file is missing or corrupted.
    """
    splits = {}
    for split, pairs in _NAMES.items():
        found = (_read_pair(path, *pair) for pair in pairs)
        if arrays := next(filter(None, found), None):
            splits[split] = arrays
    return Contents(splits)


def _read_pair(folder: Path, images: str, labels: str) -> ImagesAndLabels | None:
    """Read the images and labels from two files; return None if there are no images."""
    images_file, labels_file = _find(folder, images), _find(folder, labels)
    if images_file is None:
        return None
    if labels_file is None:
        raise DataError(
            f"{folder} contains no labels for {images_file.name}; add the file {labels}"
        )
    X = read_idx(images_file)
    if X.dtype != np.uint8 or X.ndim not in (3, 4):
        raise DataError(
            f"{images_file}: expected uint8 images (N, H, W) or (N, C, H, W), found {X.dtype} "
            f"{X.shape}; does the file contain other data?"
        )
    return ImagesAndLabels(X, read_labels(labels_file))


def _find(folder: Path, prefix: str) -> Path | None:
    """Return the first IDX file whose name starts with a prefix, or None if there is none."""
    found = sorted(p for p in folder.glob(f"{prefix}*idx*") if p.is_file())
    return found[0] if found else None
