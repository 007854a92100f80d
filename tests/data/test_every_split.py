import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.every_split import load_every_split, load_images
from handgrad.preprocess import preset_named

PLAIN = preset_named("plain", (1, 6, 6))


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), value, np.uint8)).save(path)


def test_all_splits_of_a_folder_are_one_data_set(tmp_path):
    for n, name in enumerate(["train/a/1", "train/b/2", "test/c/3", "val/a/4"]):
        write(tmp_path / f"{name}.png", 10 * n)
    data = load_every_split(tmp_path, PLAIN, progress=False)
    assert sorted(data.images[:, 0, 0, 0].tolist()) == [0, 10, 20, 30]
    by_value = dict(zip(data.images[:, 0, 0, 0].tolist(), data.labels.tolist(), strict=True))
    assert {v: data.classes[k] for v, k in by_value.items()} == {0: "a", 10: "b", 20: "c", 30: "a"}


def test_a_single_image_is_enough(tmp_path):
    write(tmp_path / "7" / "one.png", 5)
    data = load_every_split(tmp_path, PLAIN, progress=False)
    assert (len(data), data.classes) == (1, (7,))


def test_all_arrays_of_a_file_are_one_data_set(tmp_path):
    X = np.arange(8 * 36, dtype=np.uint8).reshape(8, 6, 6)
    y = np.arange(8) % 2
    parts = {"train": slice(0, 4), "val": slice(4, 6), "test": slice(6, 8)}
    arrays = {f"{k}_{split}": {"x": X, "y": y}[k][at] for split, at in parts.items() for k in "xy"}
    np.savez(tmp_path / "own.npz", **arrays)
    data = load_every_split(tmp_path / "own.npz")
    assert np.array_equal(data.images[:, 0], X)
    assert np.array_equal(data.labels, y)


def test_images_are_loaded_without_labels(tmp_path):
    write(tmp_path / "scan 1.png", 1)
    write(tmp_path / "more" / "deep" / "scan 2.png", 2)
    X = load_images(tmp_path, PLAIN, progress=False)
    assert sorted(X[:, 0, 0, 0].tolist()) == [1, 2]
    (tmp_path / "empty").mkdir()
    with pytest.raises(hg.DataError, match="empty contains no images"):
        load_images(tmp_path / "empty", PLAIN)
    with pytest.raises(hg.DataError, match="there is no file or folder"):
        load_images(tmp_path / "missing", PLAIN)
