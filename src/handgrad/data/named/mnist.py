"""Read the four IDX files of MNIST, Fashion-MNIST or KMNIST."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handgrad.data.dataset import Dataset
from handgrad.data.formats.idx import read_images, read_labels
from handgrad.data.named.sources import Source
from handgrad.errors import DataError


def read_mnist_files(source: Source, files: Sequence[Path]) -> tuple[Dataset, Dataset]:
    """Return the training and test sets.

    Args:
        source: the data set.
        files: the paths, in the order of `source.files`.

    Raises:
        DataError: if a file is broken or holds other data, or the counts of two files differ.
    """
    train_images, train_labels, test_images, test_labels = files
    return (
        _read_pair(source, train_images, train_labels, source.name),
        _read_pair(source, test_images, test_labels, f"{source.name} test"),
    )


def _read_pair(source: Source, images: Path, labels: Path, name: str) -> Dataset:
    """Return the dataset of a file of images and a file of labels."""
    X, y = read_images(images)[:, None], read_labels(labels)
    if X.shape[1:] != source.shape:
        raise DataError(
            f"{images} holds images {X.shape[1:]}, but those of {source.name} are "
            f"{source.shape}; is it other data under this name?"
        )
    if len(X) != len(y):
        raise DataError(
            f"{images} holds {len(X)} images, but {labels} {len(y)} labels; "
            "take both from the same data"
        )
    K = len(source.classes)
    if y.max() >= K:
        raise DataError(
            f"{labels}: label {y.max()} of image {y.argmax()} is out of range; "
            f"the classes of {source.name} are numbered 0..{K - 1}"
        )
    return Dataset(X, y.astype(np.int64), source.classes, name)
