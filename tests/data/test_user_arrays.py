import re

import numpy as np
import pytest

from handgrad.data.formats.reader import ImagesAndLabels
from handgrad.data.user_data import datasets_from_arrays, lacks_test_split, load_user_data
from handgrad.errors import DataError
from handgrad.preprocess import CompositeAlpha, light
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (60, 8, 8), np.uint8), np.arange(60) % 3


def npz(folder, X, y, test_X=None, test_y=None):
    test = {} if test_X is None else {"x_test": test_X, "y_test": test_y}
    np.savez(folder / "a.npz", x_train=X, y_train=y, **test)
    return folder / "a.npz"


def csv(folder, X, y, test_X=None, test_y=None):
    for name, images, labels in (("train", X, y), ("test", test_X, test_y)):
        if images is not None:
            rows = np.column_stack([labels, images.reshape(len(images), -1)])
            np.savetxt(folder / f"{name}.csv", rows, "%s", delimiter=",")
    return folder / "train.csv"


def idx(folder, X, y, test_X=None, test_y=None):
    for name, images, labels in (("train", X, y), ("t10k", test_X, test_y)):
        if images is not None:
            (folder / f"{name}-images-idx3-ubyte").write_bytes(encode(images))
            (folder / f"{name}-labels-idx1-ubyte").write_bytes(encode(labels.astype(np.uint8)))
    return folder


@pytest.mark.parametrize("write", [npz, csv, idx])
def test_a_test_set_of_another_form_is_rejected(tmp_path, write):
    place = write(tmp_path, X, Y, X[:9, :7, :7], Y[:9])
    with pytest.raises(
        DataError,
        match=r"test: the images are 1x7x7 uint8, but .* has 1x8x8 uint8; convert",
    ):
        load_user_data(place)
    place = write(tmp_path, X, Y, X[:9], Y[:9] + 1)
    with pytest.raises(DataError, match="test: label 3 of image 2 is not among the classes 0, 1"):
        load_user_data(place)


@pytest.mark.parametrize("write", [npz, csv, idx])
def test_the_test_set_has_the_preprocessing_of_the_training_set(tmp_path, write):
    dark, bright = X.copy(), X[:9].copy()
    dark[:, [0, -1]], bright[:, [0, -1]] = 0, 255
    train, test = load_user_data(write(tmp_path, dark, Y, bright, Y[:9]))
    assert train.preprocessing == test.preprocessing == light((1, 8, 8))


@pytest.mark.parametrize("write", [npz, csv, idx])
def test_lacks_test_split(tmp_path, write):
    assert lacks_test_split(write(tmp_path, X, Y))
    assert not lacks_test_split(write(tmp_path, X, Y, X[:9], Y[:9]))


def datasets(train, **others):
    return datasets_from_arrays({"train": ImagesAndLabels(*train)} | others, "own")


def test_validation_is_the_test_set_or_joins_training():
    held = ImagesAndLabels(X[:9], Y[:9])
    train, test = datasets((X, Y), validation=held)
    assert (len(train), len(test), test.name) == (60, 9, "own validation")
    train, test = datasets((X, Y), validation=held, test=ImagesAndLabels(X[:6], Y[:6]))
    assert (len(train), len(test), train.preprocessing.shape) == (69, 6, (1, 8, 8))
    assert np.array_equal(train.images[60:, 0], X[:9])
    assert np.array_equal(train.labels[60:], Y[:9])


def test_alpha_is_composited():
    glass = RNG.integers(0, 256, (60, 8, 8, 4), np.uint8)
    wanted = np.stack([CompositeAlpha()(x) for x in glass]).transpose(0, 3, 1, 2)
    for images in (glass, glass.transpose(0, 3, 1, 2)):
        train, _ = datasets((images, Y))
        assert train.shape == (3, 8, 8)
        assert np.array_equal(train.images, wanted)


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (
            np.stack([X, X], axis=1),
            Y,
            "own: images must be (N, H, W), or have 1, 3 or 4 channels as the first or last axis, "
            "not (60, 2, 8, 8) uint8; 4 channels are red, green, blue and alpha",
        ),
        (np.stack([X - 9.5] * 4, axis=3), Y, "red, green, blue and alpha, but their values -9.5"),
        (X[:, None, None], Y, "own: images must be (N, H, W) or (N, C, H, W), not (60, 1, 1"),
        (X[:0, None], Y[:0], "own: there are no labels"),
        (
            X,
            Y.astype(np.uint64) + 2**63,
            "own: the label 9223372036854775810 is too large; save labels .astype(str)",
        ),
        (
            X,
            np.array(["a", "b", "\ud800x"])[Y],
            r"own: the label '\ud800x' is not valid Unicode text; rename it",
        ),
    ],
)
def test_invalid_arrays_are_rejected(images, labels, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        datasets((images, labels))


@pytest.mark.parametrize(
    ("scaled", "note"),
    [
        (X, ""),
        (X.astype(np.int64), ""),
        (X / 255, "own test: pixels 0..1, scaled to 0..255 as in training"),
        (X.astype(np.uint16) * 257, "own test: pixels 0..65535, scaled to 0..255 as in training"),
        (X / np.float32(127.5) - 1, "own test: pixels -1..1, scaled to 0..255 as in training"),
    ],
)
def test_a_test_set_of_another_range_is_scaled_and_the_summary_says_so(scaled, note):
    train, test = datasets((X, Y), test=ImagesAndLabels(scaled, Y))
    assert np.array_equal(test.images, train.images)
    assert test.images.dtype == np.uint8
    assert train.summary == note


def test_a_test_set_whose_range_is_in_doubt_is_rejected():
    with pytest.raises(DataError, match=r"own test: the images \(uint16, values 0..3825\) do not"):
        datasets((X, Y), test=ImagesAndLabels(X.astype(np.uint16) * 15, Y))


def test_validation_images_of_another_dtype_join_training():
    rough = X + np.float32(0.5)
    rough[:, 0, 0] = 255
    held = ImagesAndLabels(rough, Y)
    train, _ = datasets((X, Y), validation=held, test=ImagesAndLabels(X, Y))
    assert train.images.dtype == np.float32
    assert train.images[:60, 0] == pytest.approx(X / 255)
    assert train.images[60:, 0] == pytest.approx(rough / 255)


def test_labels_of_the_test_set_have_the_type_of_the_training_labels():
    with pytest.raises(
        DataError,
        match="own test: the labels are numbers, but the labels of own are text; use the same type",
    ):
        datasets((X, np.array(["a", "b", "c"])[Y]), test=ImagesAndLabels(X[:9], Y[:9]))
