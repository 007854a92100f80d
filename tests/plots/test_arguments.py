"""Arguments that cannot be drawn are rejected with an error that gives the reason."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from handgrad.errors import DataError
from tests.plots.samples import random_images


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": np.zeros((3, 2, 4, 4))}, "images must have 1 or 3 channels to be drawn, not 2"),
        ({"images": np.zeros((0, 1, 4, 4))}, "there are no images"),
        ({"images": np.full((3, 1, 4, 4), np.nan)}, "image 0 contains NaN"),
        ({"labels": [0, 1]}, "there are 3 images but 2 labels; pass one per image"),
        ({"labels": [0, 1, 2]}, r"labels must lie in 0\.\.1, not in 0\.\.2"),
        ({"labels": [0.0, 1.0, 0.0]}, r"labels must be whole numbers \(N,\), not float64 \(3,\)"),
        ({"predicted": [0, 1, 1, 1]}, "there are 3 images but 4 predicted; pass one per image"),
        ({"predicted": [0, -1, 1]}, r"predicted must lie in 0\.\.1, not in -1\.\.1"),
        (
            {"predicted": ["a", "c", "a"]},
            "predicted contains 'c', which is not a class; pass class names",
        ),
        (
            {"probabilities": np.full((3, 3), 0.3)},
            r"probabilities must be finite numbers \(3, 2\), not float64 \(3, 3\)",
        ),
    ],
)
def test_arguments_that_do_not_match_are_refused(change, sentence):
    arguments = {
        "images": random_images(3),
        "labels": [0, 1, 0],
        "predicted": [0, 1, 1],
        "classes": "ab",
        "probabilities": np.full((3, 2), 0.5),
    }
    with pytest.raises(DataError, match=sentence):
        plots.predictions(**arguments | change)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.eye(3, dtype=int), r"^the matrix must be \(2, 2\) for 2 classes, not \(3, 3\)$"),
        (np.eye(2), "^the matrix must contain counts: nonnegative integers$"),
        ([[1, -1], [0, 1]], "^the matrix must contain counts"),
    ],
)
def test_a_matrix_without_counts_is_refused(matrix, sentence):
    with pytest.raises(DataError, match=sentence):
        plots.confusion(matrix, "ab")
