import shutil

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.inspect.checks import _natural_key, inspect_images  # type: ignore[attr-defined]
from handgrad.errors import DataError
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)


def image(path, *, size=12, background=255, mode="L", seed=None):
    """Write a random blob on a plain background."""
    rng = RNG if seed is None else np.random.default_rng(seed)
    X = np.full((size, size), background, np.uint8)
    X[2:-2, 2:-2] = rng.integers(0, 256, (size - 4, size - 4))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(X).convert(mode).save(path)
    return path


def folder(root, train=(12, 12), test=(3, 3)):
    """Write a folder without problems."""
    for split, numbers in (("train", train), ("test", test)):
        for label, number in zip("ab", numbers, strict=True):
            for n in range(number):
                image(root / split / label / f"{n}.png")
    return root


def issues_of(root):
    """Group the issues by their kind."""
    return {issue.kind: issue for issue in inspect_images(root, progress=False).issues}


def test_a_good_folder_has_no_issues(tmp_path):
    report = inspect_images(folder(tmp_path), progress=False)
    assert report.issues == []
    assert report.ok
    assert report.counts == {"train": {"a": 12, "b": 12}, "test": {"a": 3, "b": 3}}
    assert report.weights == {"a": 1.0, "b": 1.0}


def test_unreadable_files_are_errors(tmp_path):
    root = folder(tmp_path)
    (root / "train/a/empty.png").touch()
    (root / "train/b/text.jpg").write_text("hello")
    (root / "train/b/notes.doc").write_text("hello")
    issues = issues_of(root)
    assert issues["empty file"].files == (str(root / "train/a/empty.png"),)
    assert issues["empty file"].severity == issues["unreadable"].severity == "error"
    assert issues["unreadable"].files == (str(root / "train/b/text.jpg"),)
    assert issues["skipped"].severity == "note"
    assert issues["skipped"].problem == "1 entry is left out: not an image"
    assert issues["skipped"].files == ("train/b/notes.doc",)


@pytest.mark.parametrize(
    ("copy", "kind", "severity"),
    [
        ("test/a/copy.png", "duplicate across splits", "error"),
        ("train/b/copy.png", "duplicate with two labels", "error"),
        ("train/a/copy.png", "duplicate", "warning"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_duplicates(tmp_path, copy, kind, severity, exact):
    root = folder(tmp_path)
    shutil.copy(root / "train/a/3.png", root / copy)
    if not exact:
        kind, severity = f"near {kind}", {"error": "warning", "warning": "note"}[severity]
        X = np.asarray(Image.open(root / copy)).copy()
        X[5, 5] ^= 8
        Image.fromarray(X).save(root / copy)
    (issue,) = inspect_images(root, progress=False).issues
    assert (issue.kind, issue.severity, len(issue.files)) == (kind, severity, 1)
    assert "train/a/3.png" in issue.files[0]
    assert copy in issue.files[0]


def test_imbalanced_classes_get_weights(tmp_path):
    report = inspect_images(folder(tmp_path, train=(40, 5)), progress=False)
    issues = {issue.kind: issue for issue in report.issues}
    assert issues["class balance"].problem == (
        "the largest class has 40 images, and the smallest has 5"
    )
    assert issues["class balance"].remedy == (
        "train with --class-weights balanced: b gets the weight 4.5, a gets the weight 0.562"
    )
    assert issues["few images"].problem == "classes with fewer than 10 training images: b (5)"
    assert report.weights == {"a": 0.562, "b": 4.5}


def test_classes_that_differ(tmp_path):
    root = folder(tmp_path)
    image(root / "test/c/0.png")
    shutil.rmtree(root / "test/b")
    differ = [f for f in inspect_images(root, progress=False).issues if f.kind == "classes differ"]
    assert [(f.severity, f.problem) for f in differ] == [
        ("error", "test has classes that are missing in train: c"),
        ("warning", "the test set has no images of the classes b"),
    ]
    shutil.rmtree(root / "train/b")
    assert issues_of(root)["classes"].problem == "there are training images of 1 class"


def test_names_and_order_of_classes(tmp_path):
    for label in ("c2", "c10", "Cat", "cat"):
        for n in range(10):
            image(tmp_path / label / f"{n}.png")
    issues = issues_of(tmp_path)
    assert issues["class names"].problem == "these names differ only in case or spaces: Cat, cat"
    assert issues["class order"].problem == "classes are sorted alphabetically: Cat, c10, c2, cat"
    assert sorted(["c10", "c2"], key=_natural_key) == ["c2", "c10"]


def test_outliers_and_formats_are_found(tmp_path):
    root = folder(tmp_path)
    dark = image(root / "train/a/dark.png", background=0)
    large = image(root / "train/a/large.png", size=30, mode="RGB")
    Image.new("L", (12, 12), 200).save(root / "train/a/blank.png")
    frames = [Image.fromarray(RNG.integers(0, 256, (12, 12), np.uint8)) for _ in range(2)]
    frames[0].save(root / "train/b/moving.gif", save_all=True, append_images=frames[1:])
    issues = issues_of(root)
    assert issues["polarity"].problem == "1 image has a dark background, but the others do not"
    assert issues["polarity"].files == (str(dark),)
    assert issues["blank"].files == (str(root / "train/a/blank.png"),)
    assert issues["animated"].files == (str(root / "train/b/moving.gif"),)
    assert issues["sizes"].problem == (
        "2 sizes, 12x12 to 30x30; the most frequent is 12x12 (33 images)"
    )
    assert "3 pixel formats: L 32, RGB 1, P 1" in issues["modes"].problem
    assert large.exists()


def test_folders_beside_the_splits_are_warnings(tmp_path):
    root = folder(tmp_path)
    image(root / "c/0.png")
    (issue,) = inspect_images(root, progress=False).issues
    assert (issue.kind, issue.severity) == ("skipped", "warning")
    assert issue.problem == "1 entry is left out: a folder of 1 image beside the splits"
    assert issue.files == ("c",)


@pytest.mark.parametrize(
    ("splits", "count", "least"), [(("train", "test"), 1, 2), (("train", "val"), 1, 2), ((), 2, 3)]
)
def test_too_few_images_to_split_are_an_error(tmp_path, splits, count, least):
    for split in splits or ("",):
        for label in "ab":
            for n in range(count):
                image(tmp_path / split / label / f"{n}.png")
    issue = issues_of(tmp_path)["too few images"]
    assert issue.severity == "error"
    assert issue.problem == f"no class has {least} training images"
    assert issue.remedy.startswith("add some, because a part of them is set aside for validation")
    for label in "ab":
        image(tmp_path / (splits or ("",))[0] / label / "more.png")
    assert "too few images" not in issues_of(tmp_path)
    train, _ = hg.load_data(str(tmp_path))
    assert all(len(part) for part in train.split(0.1))


def test_a_folder_without_images_is_rejected(tmp_path):
    with pytest.raises(DataError, match="contains no images; a folder must contain FOLDER/CLASS"):
        inspect_images(tmp_path)


def arrays(root, form):
    """Write images with three problems as arrays, and return the path."""
    X = RNG.integers(0, 256, (48, 8, 8), np.uint8)
    y = np.arange(48) % 2
    X[7] = X[4]  # under two labels
    X[40] = X[2]  # in training and in test
    X[9] = 30
    if form == "npz":
        path = root / "arrays.npz"
        np.savez(path, x_train=X[:36], y_train=y[:36], x_test=X[36:], y_test=y[36:])
    elif form == "float":
        path = root / "arrays.npz"
        X = X.astype(np.float32) / 255 - 0.5
        np.savez(path, x_train=X[:36], y_train=y[:36], x_test=X[36:], y_test=y[36:])
    elif form == "csv":
        path = root / "train.csv"
        for name, part in (("train", slice(36)), ("test", slice(36, None))):
            rows = np.column_stack([y[part], X[part].reshape(-1, 64)])
            np.savetxt(root / f"{name}.csv", rows, "%d", delimiter=",")
    else:
        path = root
        for name, part in (("train", slice(36)), ("t10k", slice(36, None))):
            (root / f"{name}-images-idx3-ubyte").write_bytes(encode(X[part]))
            (root / f"{name}-labels-idx1-ubyte").write_bytes(encode(y[part].astype(np.uint8)))
    return path


@pytest.mark.parametrize("form", ["npz", "float", "csv", "idx"])
def test_arrays_are_inspected(tmp_path, form):
    path = arrays(tmp_path, form)
    report = inspect_images(path, progress=False)
    assert report.counts == {"train": {0: 18, 1: 18}, "test": {0: 6, 1: 6}}
    found = {issue.kind: issue for issue in report.issues}
    assert set(found) == {"duplicate across splits", "duplicate with two labels", "blank"}
    across, two_labels = found["duplicate across splits"], found["duplicate with two labels"]
    assert across.problem == "1 image of one split is the same as an image of another split"
    assert across.files == ("train[2] and test[4]",)
    assert two_labels.files == ("train[4] and train[7]",)
    assert (found["blank"].problem, found["blank"].files) == (
        "1 image has a single colour",
        ("train[9]",),
    )


def test_unreadable_paths_are_rejected(tmp_path):
    (tmp_path / "images-of-a-train").write_bytes(bytes([0, 0, 8, 3, 255, 255]))
    with pytest.raises(
        DataError,
        match="is an IDX file, which cannot be read; give the folder that contains the files",
    ):
        inspect_images(tmp_path / "images-of-a-train")
    (tmp_path / "broken.npz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"broken.npz: corrupted NPZ file"):
        inspect_images(tmp_path / "broken.npz")


@pytest.mark.parametrize(
    ("name", "transposed", "inverted", "found"),
    [
        ("digits", False, False, False),
        ("digits", True, False, True),
        ("digits", True, True, True),
        ("mnist", False, False, False),
        ("mnist", True, False, True),
        ("fashion-mnist", False, False, False),
        ("fashion-mnist", True, False, False),
    ],
)
def test_transposed_digits_are_noticed(tmp_path, located, name, transposed, inverted, found):
    data_dir = None if name == "digits" else located(name)
    images, labels = hg.load_data(name, data_dir, download=False)[0][:300]
    X = images[:, 0].swapaxes(1, 2) if transposed else images[:, 0]
    for y in (labels, np.where(labels == 0, 10, labels)):  # MATLAB calls 0 10
        np.savez(tmp_path / "a.npz", x=255 - X if inverted else X, y=y)
        assert ("transposed" in issues_of(tmp_path / "a.npz")) == found
