"""A folder with IDX files, named as MNIST's are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from handgrad.data.dataset import Dataset
from handgrad.data.idx import read_idx, read_labels
from handgrad.data.look import suited_to_arrays
from handgrad.errors import DataError

_PAIRS = (("train-images", "train-labels"), ("t10k-images", "t10k-labels"))
_TEST_TOO = ("test-images", "test-labels")


def is_one(place: Path) -> bool:
    """Say whether a folder holds training pictures in an IDX file."""
    return place.is_dir() and _find(place, _PAIRS[0][0]) is not None


def read(folder: Path) -> tuple[Dataset, Dataset | None]:
    """Return training and test set, the second being None where it is missing.

    Raises:
        DataError: if a file is missing or broken, or two do not belong together.
    """
    train = _read_pair(folder, *_PAIRS[0], folder.stem)
    if train is None:
        raise DataError(f"{folder} lacks the IDX file with training pictures; add it")
    test = _read_pair(folder, *_PAIRS[1], f"{folder.stem} test")
    test = test or _read_pair(folder, *_TEST_TOO, f"{folder.stem} test")
    if test is not None and not set(test.classes) <= set(train.classes):
        raise DataError(f"{folder}: the test has classes that the training pictures lack")
    if test is not None:
        labels = np.asarray(test.classes)[test.labels]
        test = Dataset.from_arrays(test.pictures, labels, train.classes, test.name)
    return train, test


def _read_pair(folder: Path, pictures: str, labels: str, name: str) -> Dataset | None:
    """Return the data set of two files; None: the pictures are missing."""
    first, second = _find(folder, pictures), _find(folder, labels)
    if first is None:
        return None
    if second is None:
        raise DataError(f"{folder} lacks the labels of {first.name}; add the file {labels}")
    X = read_idx(first)
    if X.dtype != np.uint8 or X.ndim not in (3, 4):
        raise DataError(
            f"{first}: holds {X.dtype} {X.shape} where uint8 pictures (N, H, W) or (N, C, H, W) "
            "belong; is it another file under this name?"
        )
    data = Dataset.from_arrays(X, read_labels(second), None, name)
    return Dataset(data.pictures, data.labels, data.classes, name, suited_to_arrays(data.pictures))


def _find(folder: Path, beginning: str) -> Path | None:
    """Return the file whose name begins so; None: there is none."""
    found = sorted(p for p in folder.glob(f"{beginning}*idx*") if p.is_file())
    return found[0] if found else None
