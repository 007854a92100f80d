import shutil

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.inspect.checks import check
from handgrad.data.inspect.near_duplicates import natural
from handgrad.errors import DataError
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)


def image(path, *, size=12, ground=255, mode="L", seed=None):
    """A blob of its own on a plain ground."""
    rng = RNG if seed is None else np.random.default_rng(seed)
    X = np.full((size, size), ground, np.uint8)
    X[2:-2, 2:-2] = rng.integers(0, 256, (size - 4, size - 4))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(X).convert(mode).save(path)
    return path


def folder(root, train=(12, 12), test=(3, 3)):
    """A folder without a fault."""
    for split, numbers in (("train", train), ("test", test)):
        for label, number in zip("ab", numbers, strict=True):
            for n in range(number):
                image(root / split / label / f"{n}.png")
    return root


def found(root):
    """The findings by kind."""
    return {finding.kind: finding for finding in check(root, progress=False).findings}


def test_a_good_folder_has_no_findings(tmp_path):
    report = check(folder(tmp_path), progress=False)
    assert report.findings == []
    assert report.healthy
    assert report.counts == {"train": {"a": 12, "b": 12}, "test": {"a": 3, "b": 3}}
    assert report.weights == {"a": 1.0, "b": 1.0}


def test_files_that_cannot_be_read(tmp_path):
    root = folder(tmp_path)
    (root / "train/a/empty.png").touch()
    (root / "train/b/text.jpg").write_text("hello")
    (root / "train/b/photo.heic").write_text("hello")
    findings = found(root)
    assert findings["empty file"].files == (str(root / "train/a/empty.png"),)
    assert findings["empty file"].weight == findings["unreadable"].weight == "error"
    assert findings["unreadable"].files == (str(root / "train/b/text.jpg"),)
    assert findings["other file"].weight == "note"
    assert findings["other file"].cure == "convert them to PNG if they are; they are passed over"


@pytest.mark.parametrize(
    ("copy", "kind", "weight"),
    [
        ("test/a/copy.png", "duplicate across splits", "error"),
        ("train/b/copy.png", "duplicate under two labels", "error"),
        ("train/a/copy.png", "duplicate", "warning"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_duplicates(tmp_path, copy, kind, weight, exact):
    root = folder(tmp_path)
    shutil.copy(root / "train/a/3.png", root / copy)
    if not exact:
        kind, weight = f"near {kind}", {"error": "warning", "warning": "note"}[weight]
        X = np.asarray(Image.open(root / copy)).copy()
        X[5, 5] ^= 8
        Image.fromarray(X).save(root / copy)
    (finding,) = check(root, progress=False).findings
    assert (finding.kind, finding.weight, len(finding.files)) == (kind, weight, 1)
    assert "train/a/3.png" in finding.files[0]
    assert copy in finding.files[0]


def test_the_balance_of_classes(tmp_path):
    report = check(folder(tmp_path, train=(40, 5)), progress=False)
    findings = {finding.kind: finding for finding in report.findings}
    assert findings["class balance"].what == "40 to 5"
    assert findings["class balance"].cure == (
        "train with --class-weights balanced: b counts 4.5, a counts 0.562"
    )
    assert findings["few images"].what == "fewer than 10 training images: b (5)"
    assert report.weights == {"a": 0.562, "b": 4.5}


def test_classes_that_differ(tmp_path):
    root = folder(tmp_path)
    image(root / "test/c/0.png")
    shutil.rmtree(root / "test/b")
    differ = [f for f in check(root, progress=False).findings if f.kind == "classes differ"]
    assert [(f.weight, f.what) for f in differ] == [
        ("error", "test has classes that train lacks: c"),
        ("warning", "test lacks the classes b"),
    ]
    shutil.rmtree(root / "train/b")
    assert found(root)["classes"].what == "there are images of 1 class to train on"


def test_names_and_order_of_classes(tmp_path):
    for label in ("c2", "c10", "Cat", "cat"):
        for n in range(10):
            image(tmp_path / label / f"{n}.png")
    findings = found(tmp_path)
    assert findings["class names"].what == "these differ in case or spaces alone: Cat, cat"
    assert findings["class order"].what == "classes are sorted by letter: Cat, c10, c2, cat"
    assert sorted(["c10", "c2"], key=natural) == ["c2", "c10"]


def test_images_unlike_the_others(tmp_path):
    root = folder(tmp_path)
    dark = image(root / "train/a/dark.png", ground=0)
    large = image(root / "train/a/large.png", size=30, mode="RGB")
    Image.new("L", (12, 12), 200).save(root / "train/a/blank.png")
    frames = [Image.fromarray(RNG.integers(0, 256, (12, 12), np.uint8)) for _ in range(2)]
    frames[0].save(root / "train/b/moving.gif", save_all=True, append_images=frames[1:])
    findings = found(root)
    assert findings["polarity"].what == "1 image has a dark ground, others do not"
    assert findings["polarity"].files == (str(dark),)
    assert findings["blank"].files == (str(root / "train/a/blank.png"),)
    assert findings["animated"].files == (str(root / "train/b/moving.gif"),)
    assert findings["sizes"].what == "2 sizes, 12x12 to 30x30"
    assert "3 ways: L 32, RGB 1, P 1" in findings["modes"].what
    assert large.exists()


def test_folders_beside_the_splits_are_named(tmp_path):
    root = folder(tmp_path)
    image(root / "c/0.png")
    (root / "docs").mkdir()
    (finding,) = check(root, progress=False).findings
    assert (finding.kind, finding.weight) == ("passed over", "warning")
    assert finding.what == "1 folder with images lies beside train, in no split"
    assert finding.files == (str(root / "c"),)


@pytest.mark.parametrize(
    ("splits", "count", "least"), [(("train", "test"), 1, 2), (("train", "val"), 1, 2), ((), 2, 3)]
)
def test_where_too_few_are_left_to_train_on(tmp_path, splits, count, least):
    for split in splits or ("",):
        for label in "ab":
            for n in range(count):
                image(tmp_path / split / label / f"{n}.png")
    finding = found(tmp_path)["too few images"]
    assert finding.weight == "error"
    assert finding.what == f"no class has {least} images to train on"
    assert finding.cure.startswith("add some: of what there is, a part is set aside to judge by")
    for label in "ab":
        image(tmp_path / (splits or ("",))[0] / label / "more.png")
    assert "too few images" not in found(tmp_path)
    train, _ = hg.load_data(str(tmp_path))
    assert all(len(part) for part in train.split(0.1))


def test_where_there_are_no_images(tmp_path):
    with pytest.raises(DataError, match="holds no images; a folder holds FOLDER/CLASS"):
        check(tmp_path)


def arrays(root, form):
    """Write images with two faults as arrays, and return where."""
    X = RNG.integers(0, 256, (48, 8, 8), np.uint8)
    y = np.arange(48) % 2
    X[7] = X[4]  # under two labels
    X[40] = X[2]  # in training and in test
    X[9] = 30
    if form == "npz":
        place = root / "arrays.npz"
        np.savez(place, x_train=X[:36], y_train=y[:36], x_test=X[36:], y_test=y[36:])
    elif form == "float":
        place = root / "arrays.npz"
        X = X.astype(np.float32) / 255 - 0.5
        np.savez(place, x_train=X[:36], y_train=y[:36], x_test=X[36:], y_test=y[36:])
    elif form == "csv":
        place = root / "train.csv"
        for name, part in (("train", slice(36)), ("test", slice(36, None))):
            rows = np.column_stack([y[part], X[part].reshape(-1, 64)])
            np.savetxt(root / f"{name}.csv", rows, "%d", delimiter=",")
    else:
        place = root
        for name, part in (("train", slice(36)), ("t10k", slice(36, None))):
            (root / f"{name}-images-idx3-ubyte").write_bytes(encode(X[part]))
            (root / f"{name}-labels-idx1-ubyte").write_bytes(encode(y[part].astype(np.uint8)))
    return place


@pytest.mark.parametrize("form", ["npz", "float", "csv", "idx"])
def test_arrays_are_looked_at_too(tmp_path, form):
    place = arrays(tmp_path, form)
    report = check(place, progress=False)
    assert report.counts == {"train": {0: 18, 1: 18}, "test": {0: 6, 1: 6}}
    found = {finding.kind: finding for finding in report.findings}
    assert set(found) == {"duplicate across splits", "duplicate under two labels", "blank"}
    across, torn = found["duplicate across splits"], found["duplicate under two labels"]
    assert across.what == "1 image of one split is the same in another"
    assert across.files == ("train[2] and test[4]",)
    assert torn.files == ("train[4] and train[7]",)
    assert (found["blank"].what, found["blank"].files) == (
        "1 image is of one colour all over",
        ("train[9]",),
    )


def test_what_it_takes_is_said(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 255, 255]))
    with pytest.raises(
        DataError,
        match=r"is no table .*; give a CSV file in UTF-8, an NPZ file, or a folder of images or",
    ):
        check(tmp_path / "train-images-idx3-ubyte")
    (tmp_path / "broken.npz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"broken.npz: broken NPZ file"):
        check(tmp_path / "broken.npz")
