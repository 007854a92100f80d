"""Arrays as other programs write them: each is read, or named with a way to convert it."""

import pickle
import re
import sys

import numpy as np
import pytest
import scipy.io

import handgrad as hg
from handgrad.data.formats.array_pairs import parse_name
from handgrad.data.formats.registry import read_contents
from handgrad.errors import DataError

RNG = np.random.default_rng(0)
N, M, SIDE = 40, 12, 6
X = RNG.integers(0, 256, (N + M, SIDE, SIDE), np.uint8)
Y = RNG.permutation(np.arange(N + M) % 10)
TRAIN, TEST = (X[:N], Y[:N]), (X[N:], Y[N:])


def check(contents, test=True):
    wanted = {"train": TRAIN, "test": TEST} if test else {"train": TRAIN}
    assert contents.splits.keys() == wanted.keys()
    for split, (images, labels) in wanted.items():
        found = contents.splits[split]
        assert np.array_equal(found.images.reshape(images.shape), images)
        assert np.array_equal(found.labels, labels)
        assert found.labels.dtype.kind in "iu"


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("trainX", "trainY", "testX", "testY"),
        ("Xtr", "Ytr", "Xte", "Yte"),
        ("xtrain", "ytrain", "xtest", "ytest"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("training_images", "training_labels", "test_images", "test_labels"),
        ("train-imgs", "train-labels", "t10k-imgs", "t10k-labels"),
        ("train_data", "train_target", "test_data", "test_target"),
        ("data", "target", "test_data", "test_target"),
        ("arr_0", "arr_1", "arr_2", "arr_3"),
    ],
)
@pytest.mark.parametrize("form", [lambda x: x, lambda x: x.reshape(len(x), -1)])
def test_names_of_arrays(tmp_path, names, form):
    arrays = dict(zip(names, (form(TRAIN[0]), TRAIN[1], form(TEST[0]), TEST[1]), strict=True))
    np.savez(tmp_path / "a.npz", **arrays)
    check(read_contents(tmp_path / "a.npz"))
    check(read_contents(tmp_path))
    scipy.io.savemat(tmp_path / "a.mat", {k.replace("-", "_"): v for k, v in arrays.items()})
    if "arr_0" not in arrays:
        check(read_contents(tmp_path / "a.mat"))
    folder = tmp_path / "pairs"
    folder.mkdir()
    if "arr_0" not in arrays:
        for k, (name, array) in enumerate(arrays.items()):
            save = np.save if k % 2 else np.savez
            save(folder / f"mine-{name}", array)
        check(read_contents(folder))
        (first,) = folder.glob(f"mine-{names[0]}.*")
        check(read_contents(first))
        (held_out,) = folder.glob(f"mine-{names[2]}.*")
        found = read_contents(held_out).splits
        assert found.keys() == {"train"}
        assert np.array_equal(found["train"].labels, TEST[1])


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: y[:, None],
        lambda y: y[None],
        lambda y: y.astype(float),
        lambda y: np.eye(10)[y],
        lambda y: np.eye(10, dtype=bool)[y],
    ],
)
def test_forms_of_labels(tmp_path, labels):
    np.savez(tmp_path / "a.npz", x=TRAIN[0], y=labels(TRAIN[1]))
    check(read_contents(tmp_path / "a.npz"), test=False)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.eye(10)[Y[:N]] + np.eye(10)[0], "y has the shape (40, 10), but row 0 is not one-hot"),
        (np.full(N, 0.5), "y: label 0.5 of image 0 is not a whole number"),
        (np.full(N, np.nan), "y: label nan of image 0 is not a whole number"),
    ],
)
def test_labels_that_are_no_classes_are_refused(tmp_path, labels, sentence):
    np.savez(tmp_path / "a.npz", x=TRAIN[0], y=labels)
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_contents(tmp_path / "a.npz")


def test_the_axis_of_the_images_may_be_last(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": np.moveaxis(TRAIN[0], 0, -1), "y": TRAIN[1]})
    check(read_contents(tmp_path / "a.mat"), test=False)


@pytest.mark.parametrize("dtype", [np.uint16, np.int64, np.float32, np.float64, bool])
def test_the_values_of_arrays_stay_as_they_are(tmp_path, dtype):
    values = TRAIN[0].astype(dtype)
    np.savez(tmp_path / "a.npz", x=values, y=TRAIN[1])
    images = read_contents(tmp_path / "a.npz").splits["train"].images
    assert images.dtype == dtype
    assert np.array_equal(images, values)


def test_images_without_labels_are_to_be_predicted(tmp_path):
    np.save(tmp_path / "X_test.npy", X)
    np.savez(tmp_path / "new.npz", images=X)
    np.save(tmp_path / "unknown.npy", X)
    for name in ("X_test.npy", "new.npz", "unknown.npy"):
        contents = read_contents(tmp_path / name)
        assert contents.splits == {}
        assert np.array_equal(contents.unlabelled.images, X)
        with pytest.raises(DataError, match=f"{name} has no labels"):
            hg.load_data(str(tmp_path / name))
    np.savez(tmp_path / "all.npz", x_train=TRAIN[0], y_train=TRAIN[1], x_test=TEST[0])
    contents = read_contents(tmp_path / "all.npz")
    check(contents, test=False)
    assert np.array_equal(contents.unlabelled.images, TEST[0])


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": X, "fine_labels": Y, "coarse_labels": Y // 2},
        {"left_images": X, "right_images": X, "labels": Y},
        {"arr_0": X, "arr_1": X, "arr_2": Y, "arr_3": Y},
        {"foo": X, "bar": Y},
        {"foo": Y},
    ],
)
def test_ambiguous_arrays_are_refused(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(
        DataError, match=r"a\.npz: contains .*; images and labels must be called x_t"
    ):
        read_contents(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["target_names", "mean_image", "image_ids", "weights", "foo"])
def test_other_arrays_are_ignored(name):
    assert parse_name(name) is None


class Trap:
    def __reduce__(self):
        return print, ("unpickled",)


def test_objects_are_never_opened(tmp_path, capsys):
    np.save(tmp_path / "X.npy", np.array([Trap()] * 3))
    with pytest.raises(DataError, match=r"X\.npy has dtype object, which is neither numbers nor"):
        read_contents(tmp_path / "X.npy")
    scipy.io.savemat(tmp_path / "a.mat", {"dataset": {"images": X, "labels": Y}})
    with pytest.raises(DataError, match=r"contains `dataset` \(struct\), but no plain array; save"):
        read_contents(tmp_path / "a.mat")
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="data_batch_1 is a batch of CIFAR for Python, which"):
        read_contents(tmp_path / "data_batch_1")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("data_batch_1", b"\x80\x02", "a batch of CIFAR for Python, which cannot be read; it is a"),
        ("train", b"\x80\x02", "a pickle of Python, which cannot be read; it is a pickle, which"),
        ("data_batch_1.bin", b"\x01", "a binary file, which cannot be read; if it is a batch of"),
        ("a.arff", b"@relation x\n", "an ARFF file, which cannot be read; keep the lines after"),
        ("a.pt", b"PK\x03\x04", "a file of PyTorch, which cannot be read; it is a pickle, which"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file, which cannot be read; read it with h5py and"),
        ("a.mat", b"MATLAB 7.3 MAT-file", "a MATLAB file of version 7.3, which cannot be read; in"),
        ("noname", b"\x89HDF\r\n\x1a\n", "an HDF5 file, which cannot be read; read it with h5py"),
        ("a.xlsx", b"PK\x03\x04", "a workbook of Excel, which cannot be read; save the sheet as"),
        ("a.zip", b"PK\x03\x04", "an archive, which cannot be read; unpack it and give the"),
    ],
)
def test_other_formats_are_named_with_a_way_to_convert_them(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{name} is {words}")):
        read_contents(tmp_path / name)
    with pytest.raises(DataError, match=re.escape(f"{name} is {words}")):
        read_contents(tmp_path)


def test_an_unknown_file_lists_what_can_be_read(tmp_path):
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(DataError, match=r"notes.md is neither a table \(CSV, TSV or Parquet\) nor"):
        read_contents(tmp_path / "notes.md")


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"needs pyarrow; run pip install 'handgrad\[tables\]'"):
        read_contents(tmp_path / "a.parquet")
