import numpy as np
import pytest

import handgrad as hg
from handgrad.runs.trained_on import (
    FILE,
    digest_of_all,
    image_digests,
    trained_on,
    write_digests,
)

X = np.random.default_rng(0).integers(0, 256, (20, 1, 4, 4), np.uint8)


def test_an_image_has_the_same_hash_in_every_dtype():
    expected = image_digests(X)
    assert (expected.dtype, len(set(expected.tolist()))) == (np.uint64, 20)
    for floats in (X / 255, (X / 255).astype(np.float32), X * np.float32(1 / 255)):
        assert np.array_equal(image_digests(floats), expected)
    changed = X.copy()
    changed[:, 0, 0, 0] ^= 1
    assert not np.isin(image_digests(changed), expected).any()


def test_training_images_are_found_by_content(tmp_path):
    digests = image_digests(X[:5])
    about = {"training_images": digest_of_all(digests)}
    model = tmp_path / "model.safetensors"
    assert trained_on(model, about, X) is None
    write_digests(digests, tmp_path)
    found = trained_on(model, about, X[::-1] / 255)
    assert found.tolist() == [False] * 15 + [True] * 5
    assert trained_on(model, {}, X) is None, "the list belongs to another run"


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"text", np.zeros(3).tobytes()])
def test_a_damaged_list_counts_as_unknown(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    assert trained_on(tmp_path / "model.safetensors", {"training_images": "x"}, X) is None


def test_all_images_of_the_digits_are_distinguished():
    train, test = hg.load_data("digits")
    assert len(np.unique(image_digests(train.images))) == len(train)
    assert not np.isin(image_digests(test.images), image_digests(train.images)).any()
