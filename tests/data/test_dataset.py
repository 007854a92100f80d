import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from handgrad.data import Dataset
from handgrad.errors import ConfigError, DataError


def images(count, shape=(1, 4, 4), dtype=np.uint8):
    values = np.arange(count * np.prod(shape)) % 251
    return values.reshape(count, *shape).astype(dtype)


def small(labels=(0, 1, 0, 1, 1, 0), **options):
    return Dataset.from_arrays(images(len(labels)), labels, **options)


def test_a_slice_returns_images_and_labels():
    data = small(["b", "a", "b", "c"])
    X, y = data[1:3]
    assert np.array_equal(X, data.images[1:3])
    assert y.tolist() == [0, 1]
    assert y.dtype == np.int64
    assert data[np.array([3, 0])][1].tolist() == [2, 1]


def test_read_only_and_strided_arrays_are_accepted_unchanged():
    channels_last = images(4, (5, 6, 3)).astype(np.float64)
    channels_last[0] = -1.5
    before = channels_last.copy()
    channels_last.flags.writeable = False
    labels = np.arange(8)[::2]
    labels.flags.writeable = False
    data = Dataset.from_arrays(channels_last.transpose(0, 3, 1, 2), labels)
    train, validation = Dataset.from_arrays(data.images, [0, 0, 1, 1]).split(0.5)
    train.images[...] = 0
    validation.labels[...] = 0
    assert np.array_equal(channels_last, before)
    assert np.array_equal(data.images, before.transpose(0, 3, 1, 2))
    assert labels.tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"images": images(6).astype(np.float64)}, "floating point, not float64"),
        (
            {"labels": np.zeros(6, np.int32)},
            r"must be \(N,\) int64, not \(6,\) int32; use Dataset.f",
        ),
        (
            {"labels": np.array([0, 1, 2, 0, 0, 0])},
            "data: label 2 of image 2 is out of range; 2 cl",
        ),
        ({"labels": np.array([0, 1, 1, 0, -1, 0])}, "label -1 of image 4 is out of range"),
        ({"labels": np.zeros(5, np.int64)}, "images and labels differ: 6 and 5"),
        ({"classes": ("a", "a")}, "two classes have the name 'a'; give them different names"),
    ],
)
def test_invalid_arrays_are_rejected(changes, sentence):
    with pytest.raises(DataError, match=sentence):
        dataclasses.replace(small(), **changes)


@pytest.mark.parametrize("classes", [["3", "7"], (3, 7)])
def test_classes_become_python_values(classes):
    X, y = images(6), np.array([0, 1, 0, 1, 1, 0])
    expected = Dataset(X, y, tuple(classes))
    for given in (list(classes), np.array(classes), tuple(np.array(classes))):
        data = Dataset(X, y, given)
        assert data.classes == tuple(classes)
        assert {type(label) for label in data.classes} == {type(classes[0])}
        assert data.digest() == expected.digest()


def test_take_keeps_the_classes_and_can_rename():
    data = small(["b", "a", "b", "c"])
    part = data.take([2, 0])
    assert part.classes == ("a", "b", "c")
    assert part.labels.tolist() == [1, 1]
    assert part.name == "data"
    assert data.take(data.labels == 2, "only c").name == "only c"
    assert data.counts.tolist() == [1, 2, 1]
    assert part.counts.tolist() == [0, 2, 0]


def test_an_empty_selection_is_rejected():
    with pytest.raises(DataError, match="there are no images"):
        small().take([])


def test_split_is_complete_disjoint_and_seeded():
    data = Dataset.from_arrays(images(90), np.arange(90) % 3)
    train, validation = data.split(0.2, seed=5)
    again = data.split(0.2, seed=5)
    assert len(train) == 72
    assert validation.counts.tolist() == [6, 6, 6]
    assert np.array_equal(again[1].images, validation.images)
    assert not np.array_equal(data.split(0.2, seed=6)[1].images, validation.images)
    both = np.concatenate([train.images, validation.images])
    assert sorted(p.tobytes() for p in both) == sorted(p.tobytes() for p in data.images)
    assert (train.name, validation.name) == ("data", "data validation")


def test_split_keeps_labels_with_their_images():
    y = np.arange(40) % 4
    X = np.broadcast_to(y[:, None, None], (40, 3, 3)).astype(np.uint8)
    X[:, 2, 2] = np.arange(40)
    for part in Dataset.from_arrays(X, y).split(0.3):
        assert np.array_equal(part.images[:, 0, 0, 0], part.labels)


def test_split_of_single_images_is_rejected():
    with pytest.raises(
        DataError, match="too few images to split; no class has two or more different"
    ):
        small([0, 1, 2]).split(0.5)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_an_invalid_share_is_rejected(share):
    with pytest.raises(ConfigError, match="validation must be a fraction above 0 and below 1, not"):
        small().split(share)


@pytest.mark.parametrize(
    ("labels", "classes", "batch", "sentence"),
    [
        ([7, 7, 7], None, 1, "data: all images belong to the class 7; add images of another class"),
        ([1, 1, 1], ["a", "b"], 1, "all images belong to the class 'b'"),
        (
            [0, 2, 0],
            ["a", "b", "c"],
            1,
            "data: class 'b' has no image; add some, or remove it from the classes",
        ),
        (
            [0, 1, 0],
            None,
            4,
            "data: the 3 images are fewer than one batch of 4; use a batch_size of",
        ),
    ],
)
def test_untrainable_datasets_are_rejected(labels, classes, batch, sentence):
    data = small(labels, classes=classes)
    with pytest.raises(DataError, match=sentence):
        data.check_trainable(batch)


def test_trainable_datasets_pass():
    small([0, 1, 0]).check_trainable(3)


def test_digest_depends_only_on_values():
    X, y = images(2500, (2, 3)), np.arange(2500) % 5
    digest = Dataset.from_arrays(X, y).digest()
    assert Dataset.from_arrays(np.asfortranarray(X), y, name="other").digest() == digest
    assert Dataset.from_arrays(X.astype(np.float32) / 255, y).digest() != digest
    assert Dataset.from_arrays(X, y, classes=list("abcde")).digest() != digest
    assert Dataset.from_arrays(X, (y + 1) % 5).digest() != digest
    X[2400, 1, 1] += 1
    assert Dataset.from_arrays(X, y).digest() != digest


def test_digest_is_stable():
    expected = "8205f6d14dd43753323897195f2f6717ab0481b09c6cf80d5dd47e6ff65d591a"
    assert small().digest() == expected


def test_repr_names_shape_classes_and_counts():
    assert repr(small(name="mine")) == "Dataset('mine': 6 images 1x4x4 uint8, 2 classes: 0 3, 1 3)"


def shown_images(html):
    """Return the images of a notebook display, (H, W, 3) each."""
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) for png in found]


def test_the_notebook_view_shows_images_and_counts():
    data = small(name="<mine>")
    html = data._repr_html_()
    assert "&lt;mine&gt;" in html
    rows = re.sub(r' style="[^"]*"', "", html).split("<tr>")[2:]
    assert [row.count("<img") for row in rows] == [3, 3]
    assert all(row.startswith(f"<td>{k}</td><td>3</td>") for k, row in enumerate(rows))
    images = shown_images(html)
    assert [x[..., 0].tolist() for x in images] == data.images[[0, 2, 5, 1, 3, 4], 0].tolist()


def test_the_notebook_view_of_many_classes_shows_images_of_ten_and_counts_of_all():
    html = small(np.arange(36) % 12)._repr_html_()
    rows = re.sub(r' style="[^"]*"', "", html).split("<tr>")[2:]
    assert [row.count("<img") for row in rows] == [3] * 10 + [0] * 2
    assert rows[11].startswith("<td>11</td><td>3</td>")


@pytest.mark.parametrize(
    ("shape", "classes", "count", "size"),
    [((30, 3, 20, 10), 15, 20, (20, 10)), ((48, 2, 200, 100), 2, 20, (67, 34))],
)
def test_the_notebook_view_is_limited_in_size(shape, classes, count, size):
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    images = shown_images(Dataset.from_arrays(X, np.arange(len(X)) % classes)._repr_html_())
    assert [x.shape for x in images] == [(*size, 3)] * count


def test_the_files_follow_their_images(tmp_path):
    paths = []
    for k in range(10):
        paths.append(tmp_path / f"{k}.png")
        Image.fromarray(np.full((4, 4), 20 * k, np.uint8)).save(paths[-1])
    data = Dataset.from_files(paths, ["a", "b"] * 5, progress=False)
    parts = [
        data,
        data.take([7, 2, 2]),
        data.take(data.labels == 1),
        *data.split(0.4),
    ]
    for part in parts:
        assert len(part.files) == len(part)
        for file, x in zip(part.files, part.images, strict=True):
            assert np.array_equal(np.array(Image.open(file)), x[0])
    assert small().take([1]).files == ()
    with pytest.raises(DataError, match="data: there are 1 files and 6 images"):
        dataclasses.replace(small(), files=("a.png",))
