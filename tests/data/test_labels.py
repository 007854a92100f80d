import numpy as np
import pytest

from handgrad.data.labels import encode
from handgrad.errors import DataError


@pytest.mark.parametrize(
    ("labels", "classes", "indices", "names"),
    [
        ([3, 5, 3], None, [0, 1, 0], (3, 5)),
        (np.array([3, 5, 3], np.uint8), None, [0, 1, 0], (3, 5)),
        ([-1, 1, -1], None, [0, 1, 0], (-1, 1)),
        (["dog", "cat", "dog"], None, [1, 0, 1], ("cat", "dog")),
        (np.array(["dog", "cat"], object), None, [1, 0], ("cat", "dog")),
        (np.array(["dog", "cat"], np.dtypes.StringDType()), None, [1, 0], ("cat", "dog")),
        (["dog", "dog"], ["dog", "cat"], [0, 0], ("dog", "cat")),
        ([0, 1, 1], ["dog", "cat"], [0, 1, 1], ("dog", "cat")),
        ([5, 3, 5], [3, 5], [1, 0, 1], (3, 5)),
        ([1, 0, 1], [1, 0], [0, 1, 0], (1, 0)),
        (np.array([2**63], np.uint64), None, [0], (2**63,)),
        ([1, 2], np.arange(3), [1, 2], (0, 1, 2)),
        ([[3], [5], [3]], None, [0, 1, 0], (3, 5)),
        (np.array([["dog"], ["cat"]]), None, [1, 0], ("cat", "dog")),
        ([[0, 1, 0], [1, 0, 0]], None, [1, 0], (0, 1, 2)),
        (np.eye(2), ["cat", "dog"], [0, 1], ("cat", "dog")),
        (np.eye(3, dtype=bool)[[2, 0]], None, [2, 0], (0, 1, 2)),
    ],
)
def test_labels_become_class_indices(labels, classes, indices, names):
    y, found = encode(labels, classes)
    assert y.tolist() == indices
    assert y.dtype == np.int64
    assert found == names
    assert {type(name) for name in found} <= {int, str}


@pytest.mark.parametrize(
    ("labels", "classes", "sentence"),
    [
        ([0.0, 1.5], None, "labels: label 1.5 of image 1 is not a whole number; give one class"),
        ([0.0, float("nan")], None, "labels: label nan of image 1 is not a whole number"),
        (np.ma.masked_equal([0, 1, 1], 0), None, "labels have masked values; remove these images"),
        ([None, "a"], None, "labels must be integers or strings, not object"),
        (
            ["a", float("nan")],
            None,
            "not object; convert them: label nan of image 1 is not a",
        ),
        (["a", 7], None, "not object; convert them: label 7 of image 1 is not a string"),
        (
            [[1, 0], [1, 1]],
            None,
            r"image 1 has 2 classes in the rows of labels \(2, 2\), but handgrad gives every",
        ),
        ([[1, 0], [0, 0]], None, "image 1 has no class in the rows"),
        ([[0.7, 0.3]], None, r"labels \(1, 2\) are neither one label per image, \(N,\), nor one-"),
        ([["a", "b"]], None, r"labels must be \(N,\), with one label per image, not \(1, 2\)"),
        ([[1], [0, 1]], None, r"one label per image, \(N,\), not nested lists"),
        ([], None, "there are no labels; give one label per image"),
        ([0, 2], ["a", "b"], "label 2 of image 1 is out of range; 2 classes are numbered 0..1"),
        ([0, 1, -1], ["a", "b"], "label -1 of image 2 is out of range"),
        ([3, 4], [3, 5], "label 4 of image 1 is not among the classes 3, 5; correct it or add"),
        (["a", "x"], ["a", "b"], "label 'x' of image 1 is not among the classes 'a', 'b'; corr"),
        (["3"], range(20), r"label '3' of image 0 is not among the classes 0, 1, .*9, \.\.\.;"),
    ],
)
def test_invalid_labels_are_rejected(labels, classes, sentence):
    with pytest.raises(DataError, match=sentence):
        encode(labels, classes)
