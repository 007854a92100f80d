import subprocess
import sys

import numpy as np
from sklearn import datasets

from handgrad.data.named import digits
from handgrad.data.named.digits import load_digits
from handgrad.data.named.sources import DIGITS


def test_digits_are_scikit_learns_as_bytes():
    train, test = load_digits()
    ink, labels = datasets.load_digits(return_X_y=True)
    for data in (train, test):
        assert data.images.dtype == np.uint8
        assert data.shape == DIGITS.shape
        assert data.classes == DIGITS.classes
    assert train.images.max() == 255
    found = np.concatenate([train.images, test.images]).reshape(-1, 64)
    expected = np.floor(ink * 255 / 16 + 0.5)
    assert np.array_equal(np.unique(found, axis=0), np.unique(expected, axis=0))
    assert np.array_equal(train.counts + test.counts, np.bincount(labels))


def test_the_test_set_is_always_the_same_fifth():
    train, test = load_digits()
    assert (len(train), len(test)) == (DIGITS.train, DIGITS.test)
    assert test.counts.tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    assert (train.name, test.name) == ("digits", "digits test")
    assert test.digest() == "315eb0b9054c4a38f08ee490c2ee25f3f63d08d163b9f76c9cf5c745bd53a03b"
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)


def test_scikit_learn_provides_the_digits_if_its_file_is_not_found(monkeypatch):
    expected = load_digits()
    monkeypatch.setattr(digits, "find_spec", {}.get)
    assert [data.digest() for data in load_digits()] == [data.digest() for data in expected]


def test_scikit_learn_itself_is_not_imported():
    program = (
        "import sys, handgrad.data; handgrad.data.load_data('digits')\n"
        "print('sklearn' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"
