"""The handwritten digits that come with scikit-learn: 8x8, there without a network."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.dataset import Dataset
from handgrad.data.named.sources import DIGITS


def load_digits() -> tuple[Dataset, Dataset]:
    """Return training and test set: always the same fifth of each class is the test."""
    ink, labels = _table()
    images = np.rint(ink * (255 / 16)).astype(np.uint8).reshape(-1, *DIGITS.shape)
    data = Dataset.from_arrays(images, labels, DIGITS.classes, DIGITS.name)
    train, test = data.split(validation=0.2, seed=0)
    return train, dataclasses.replace(test, name=f"{DIGITS.name} test")


def _table() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ink (1797, 64), whole numbers 0..16, and labels (1797,).

    They are read from scikit-learn's own file: to import scikit-learn takes longer than to train.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            table = np.loadtxt(file, np.int64, delimiter=",")
            return table[:, :-1], table[:, -1]

    from sklearn import datasets  # where it keeps the file elsewhere, it knows the way

    ink, labels = datasets.load_digits(return_X_y=True)
    return ink, labels
