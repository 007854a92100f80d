import gzip
import re

import numpy as np
import pytest

import handgrad as hg
from handgrad.data.named.sources import MNIST
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (26, 6, 4), np.uint8), np.arange(26, dtype=np.uint8)


def write(folder, kind, y, *, images=X, zipped=True):
    """Write EMNIST's four files: each image is stored with rows and columns exchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        for name, array in (("images-idx3", images.swapaxes(1, 2)), ("labels-idx1", y)):
            content = encode(np.ascontiguousarray(array))
            path = folder / f"emnist-{kind}-{split}-{name}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(content) if zipped else content)


@pytest.mark.parametrize("zipped", [True, False])
def test_the_images_of_emnist_are_turned_upright(tmp_path, zipped):
    write(tmp_path, "digits", Y % 10, zipped=zipped)
    train, test = hg.load_data(str(tmp_path))
    assert np.array_equal(train.images[:, 0], X)
    assert np.array_equal(test.images[:, 0], X)
    assert train.classes == tuple(range(10))
    assert train.summary == "EMNIST digits: 26 training images, turned upright"


def test_letters_are_numbered_from_1_or_named_by_the_mapping(tmp_path):
    write(tmp_path, "letters", Y + 1)
    train, _ = hg.load_data(str(tmp_path))
    assert train.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert np.array_equal(train.labels, Y)
    rows = "\n".join(f"{k + 1} {97 + k} {65 + k}" for k in range(26))
    (tmp_path / "emnist-letters-mapping.txt").write_text(rows)
    train, _ = hg.load_data(str(tmp_path))
    assert train.classes == tuple("abcdefghijklmnopqrstuvwxyz")


def test_a_mapping_names_digits_and_letters(tmp_path):
    write(tmp_path, "balanced", Y)
    codes = [*range(48, 58), *range(65, 81)]
    mapping = tmp_path / "emnist-balanced-mapping.txt"
    mapping.write_text("".join(f"{k} {code}\n" for k, code in enumerate(codes)))
    train, _ = hg.load_data(str(tmp_path))
    assert train.classes == tuple(map(chr, codes))
    assert train.labels.tolist() == Y.tolist()
    mapping.write_text("0 48\n1 49\n2 65\n")
    with pytest.raises(hg.DataError, match=r"the label 3 has no character in .*mapping.txt; take"):
        hg.load_data(str(tmp_path))
    mapping.write_text("0 x\n")
    with pytest.raises(hg.DataError, match=r"mapping.txt: expected a label and the code of its ch"):
        hg.load_data(str(tmp_path))


def test_one_of_several_data_sets_is_chosen_by_a_file(tmp_path):
    write(tmp_path, "digits", Y % 10)
    write(tmp_path, "letters", Y + 1)
    sentence = "contains several data sets: digits, letters; give a file of one, such as"
    with pytest.raises(hg.DataError, match=re.escape(sentence)):
        hg.load_data(str(tmp_path))
    train, _ = hg.load_data(str(tmp_path / "emnist-letters-train-images-idx3-ubyte.gz"))
    assert len(train.classes) == 26


@pytest.mark.parametrize("place", ["", "mnist"])
@pytest.mark.parametrize("kind", ["mnist", "digits"])
def test_emnist_digits_take_the_place_of_mnist_in_data_dir(tmp_path, kind, place):
    digits = RNG.integers(0, 256, (26, *MNIST.shape[1:]), np.uint8)
    write(tmp_path / place, kind, Y % 10, images=digits)
    train, test = hg.load_data("mnist", tmp_path)
    assert np.array_equal(train.images[:, 0], digits)
    assert len(test) == 26
    assert train.summary.endswith("26 images of EMNIST, turned upright")
    with pytest.raises(hg.DataError, match=r"does not contain all of fashion-mnist"):
        hg.load_data("fashion-mnist", tmp_path)
