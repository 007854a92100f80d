"""The handwritten digits that come with scikit-learn: 8x8, there without a network."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn import datasets

from handgrad.data.dataset import Dataset
from handgrad.data.sources import DIGITS


def load_digits() -> tuple[Dataset, Dataset]:
    """Return training and test set: always the same fifth of each class is the test."""
    ink, labels = datasets.load_digits(return_X_y=True)  # (1797, 64), whole numbers 0..16
    pictures = np.rint(ink * (255 / 16)).astype(np.uint8).reshape(-1, *DIGITS.shape)
    data = Dataset.from_arrays(pictures, labels, DIGITS.classes, DIGITS.name)
    train, test = data.split(validation=0.2, seed=0)
    return train, dataclasses.replace(test, name=f"{DIGITS.name} test")
