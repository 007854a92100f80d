import numpy as np
import pytest

from handgrad.data import check_files, load_data
from handgrad.data.named.mnist import read_mnist_files
from handgrad.data.named.sources import SOURCES
from handgrad.errors import DataError
from tests.data.family import ARRAYS, source, write


def read(folder, zipped=True):
    paths = [folder / (f"{file.name}.gz" if zipped else file.name) for file in source().files]
    return read_mnist_files(source(), paths)


@pytest.mark.parametrize("zipped", [True, False])
def test_four_files_become_two_datasets(tmp_path, zipped):
    train, test = read(write(tmp_path, zipped=zipped), zipped)
    assert np.array_equal(train.images[:, 0], ARRAYS["train-images-idx3-ubyte"])
    assert np.array_equal(train.labels, ARRAYS["train-labels-idx1-ubyte"])
    assert np.array_equal(test.images[:, 0], ARRAYS["t10k-images-idx3-ubyte"])
    assert (train.name, test.name) == ("tiny", "tiny test")
    assert train.classes == test.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"train_labels": np.zeros(11, np.uint8)},
            r"train-images-idx3-ubyte\.gz contains 12 images, but .*train-labels-idx1-ubyte\.gz "
            "contains 11 labels; take both files from the same data",
        ),
        (
            {"t10k_labels": np.array([0, 1, 2, 0, 9, 1], np.uint8)},
            r"t10k-labels-idx1-ubyte\.gz: label 9 of image 4 is out of range; the classes of "
            r"tiny are numbered 0\.\.2",
        ),
        (
            {"train_images": ARRAYS["train-labels-idx1-ubyte"]},
            r"train-images-idx3-ubyte\.gz: expected uint8 images \(N, H, W\), found uint8 \(12,\)",
        ),
        (
            {"t10k_labels": ARRAYS["t10k-images-idx3-ubyte"]},
            r"t10k-labels-idx1-ubyte\.gz: expected uint8 labels \(N,\), found uint8 \(6, 5, 4\)",
        ),
        (
            {"t10k_images": np.zeros((6, 4, 4), np.uint8)},
            r"t10k-images-idx3-ubyte\.gz contains images \(1, 4, 4\), but tiny has images of shape "
            r"\(1, 5, 4\); does the file contain other data\?",
        ),
        (
            {"train_images": np.zeros((12, 5, 5), np.uint8)},
            r"train-images-idx3-ubyte\.gz contains images \(1, 5, 5\), but tiny has images of",
        ),
    ],
)
def test_files_that_do_not_match_are_rejected(tmp_path, changes, sentence):
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path, **changes))


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)]
)
def test_the_published_files(located, name, mean, std):
    folder = located(name)
    train, test = load_data(name, folder)
    assert (len(train), len(test)) == (SOURCES[name].train, SOURCES[name].test)
    assert train.shape == (1, 28, 28)
    assert test.counts.min() > 0
    assert round(float(train.images.mean()) / 255, 4) == mean
    assert round(float(train.images.std()) / 255, 4) == std
    assert all(check.ok for check in check_files(name, folder))
