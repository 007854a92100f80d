"""Read the four IDX files of MNIST, Fashion-MNIST or KMNIST."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handgrad.data.dataset import Dataset
from handgrad.data.formats.idx import read_images, read_labels
from handgrad.data.formats.idx_folder import turned_upright
from handgrad.data.named.sources import Source
from handgrad.errors import DataError


def read_mnist_files(source: Source, files: Sequence[Path]) -> tuple[Dataset, Dataset]:
    """Read the training and test sets.

    Args:
        source: the data set.
        files: the paths of the data set's files, in the order of `source.files`.

    Raises:
        DataError: if a file is corrupted or contains other data, or the numbers of images and
            labels differ.
    """
    train_images, train_labels, test_images, test_labels = files
    return (
        _read_pair(source, train_images, train_labels, source.name),
        _read_pair(source, test_images, test_labels, f"{source.name} test"),
    )


def _read_pair(source: Source, images: Path, labels: Path, name: str) -> Dataset:
    """Read a dataset from a file of images and a file of labels."""
    X, y = read_images(images), read_labels(labels)
    is_emnist = images.name.startswith("emnist-")
    X = (turned_upright(X) if is_emnist else X)[:, None]
    if X.shape[1:] != source.shape:
        raise DataError(
            f"{images} contains images {X.shape[1:]}, but {source.name} has images of shape "
            f"{source.shape}; does the file contain other data?"
        )
    if len(X) != len(y):
        raise DataError(
            f"{images} contains {len(X)} images, but {labels} contains {len(y)} labels; "
            "take both files from the same data set"
        )
    K = len(source.classes)
    if y.max() >= K:
        raise DataError(
            f"{labels}: label {y.max()} of image {y.argmax()} is out of range; "
            f"the classes of {source.name} are numbered 0..{K - 1}"
        )
    summary = f"{images.name}: {len(X):,} images of EMNIST, turned upright" if is_emnist else ""
    return Dataset(X, y.astype(np.int64), source.classes, name, summary=summary)
