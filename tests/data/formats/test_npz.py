import re

import numpy as np
import pytest

from handgrad.data.formats import npz
from handgrad.errors import DataError

X, Y = np.zeros((6, 4, 4), np.uint8), np.arange(6) % 2


def test_names_of_each_split(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x_train=X, y_train=Y, x_val=X[:3], y_val=Y[:3, None], test_images=X, x=X, y=Y)
    splits = npz.read(path).splits
    assert {split: arrays.images.shape for split, arrays in splits.items()} == {
        "train": (6, 4, 4),
        "validation": (3, 4, 4),
    }
    assert splits["validation"].labels.tolist() == [0, 1, 0]
    np.savez(path, x=X, y=Y, test_images=X[:2], test_labels=Y[:2])
    assert [len(arrays.labels) for arrays in npz.read(path).splits.values()] == [6, 2]


def test_images_may_be_called_pictures(tmp_path):  # language: ok
    path = tmp_path / "a.npz"
    np.savez(path, pictures=X, labels=Y)  # language: ok
    assert npz.read(path).splits["train"].images.shape == (6, 4, 4)


@pytest.mark.parametrize("labels", [np.array(["a", "b"] * 3, object), np.array([b"a", b"b"] * 3)])
def test_object_arrays_are_rejected_with_a_remedy(tmp_path, labels):
    np.savez(tmp_path / "a.npz", x=X, y=labels)
    sentence = (
        f"a.npz: y.npy has dtype {labels.dtype}, which is neither numbers nor strings; "
        "save the images as an array of numbers, and the labels as an array of integers or strings"
    )
    with pytest.raises(DataError, match=re.escape(sentence)):
        npz.read(tmp_path / "a.npz")
