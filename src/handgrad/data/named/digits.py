"""Load the handwritten digits of 8x8 pixels that are included in scikit-learn."""

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
    """Load the training and test sets. The test set is always the same fifth of each class."""
    ink, labels = _read_table()
    images = np.rint(ink * (255 / 16)).astype(np.uint8).reshape(-1, *DIGITS.shape)
    data = Dataset.from_arrays(images, labels, DIGITS.classes, DIGITS.name)
    train, test = data.split(validation=0.2, seed=0)
    return train, dataclasses.replace(test, name=f"{DIGITS.name} test")


def _read_table() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the pixels, (1797, 64) integers 0..16, and the labels, (1797,).

    scikit-learn's data file is read directly, because importing scikit-learn takes longer than
    training on this data.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            table = np.loadtxt(file, np.int64, delimiter=",")
            return table[:, :-1], table[:, -1]

    from sklearn import datasets  # for versions of scikit-learn that moved the file

    ink, labels = datasets.load_digits(return_X_y=True)
    return ink, labels
