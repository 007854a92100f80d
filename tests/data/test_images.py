import numpy as np
import pytest

from handgrad.data import Dataset
from handgrad.errors import DataError


def images(count, shape=(1, 4, 4), dtype=np.uint8):
    values = np.arange(count * np.prod(shape)) % 251
    return values.reshape(count, *shape).astype(dtype)


def test_images_without_channels_get_one_channel():
    data = Dataset.from_arrays(images(3, (5, 7)), [0, 1, 0])
    assert data.shape == (1, 5, 7)
    assert data.images.shape == (3, 1, 5, 7)


def test_colour_images_are_unchanged():
    X = images(3, (3, 5, 7))
    data = Dataset.from_arrays(X, [0, 1, 0])
    assert data.shape == (3, 5, 7)
    assert np.array_equal(data.images, X)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_floating_point_becomes_float32(dtype):
    data = Dataset.from_arrays(images(2).astype(dtype) / 251, [0, 1])
    assert data.images.dtype == np.float32
    assert data.images.dtype.isnative
    assert np.allclose(data.images, images(2) / 251, atol=1e-3)


def test_uint8_and_float32_are_kept_not_copied():
    for X in (images(2), images(2, dtype=np.float32)):
        assert np.shares_memory(Dataset.from_arrays(X, [0, 1]).images, X)


def test_memory_mapped_images_are_not_copied(tmp_path):
    np.save(tmp_path / "images.npy", images(6, (4, 4)))
    X = np.load(tmp_path / "images.npy", mmap_mode="r")
    data = Dataset.from_arrays(X, [0, 1, 0, 1, 1, 0])
    assert np.shares_memory(data.images, X)


NAN = images(3, dtype=np.float64)
NAN[1, 0, 2, 2] = np.nan
INFINITE = images(3, dtype=np.float32)
INFINITE[2, 0, 0, 0] = -np.inf
TOO_LARGE = images(3, dtype=np.float64)
TOO_LARGE[0] = 1e39


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (
            images(2),
            "mine: the numbers of images and labels differ: 2 and 3; give one label per image",
        ),
        (images(0), "mine: there are no images; give at least one"),
        (images(3, (1, 0, 4)), r"mine: the images have no pixels: their shape is \(1, 0, 4\)"),
        (
            images(3, (16,)),
            r"mine: the images are rows \(3, 16\); give them as images, such as images.reshape",
        ),
        (
            images(3, (15,)),
            r"mine: images must be \(N, H, W\) or \(N, C, H, W\), not \(3, 15\)",
        ),
        (np.ma.masked_less(images(3), 9), "mine: the images have masked values; remove these"),
        (images(3, (9, 9, 2)), r"images \(3, 9, 9, 2\) have 2 channels as the last axis; keep"),
        (images(3, (1, 1, 4, 4)), r"not \(3, 1, 1, 4, 4\); reshape them"),
        (images(4)[0], "images and labels differ: 1 and 3"),
        (images(3, dtype=complex), "floating point, not complex128; Dataset.from_arrays converts"),
        (images(3).astype(str), "floating point, not <U"),
        (
            [np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 5))],
            "mine: the images have different shapes",
        ),
        (
            NAN,
            "mine: image 1 contains NaN, infinity or a number too large for float32; repair",
        ),
        (INFINITE, "mine: image 2 contains NaN, infinity"),
        (TOO_LARGE, "mine: image 0 contains NaN, infinity or a number too large"),
    ],
)
def test_invalid_images_are_rejected(X, sentence):
    with pytest.raises(DataError, match=sentence):
        Dataset.from_arrays(X, [0, 1, 1], name="mine")
