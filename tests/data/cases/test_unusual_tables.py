"""Tables from spreadsheets, other systems and failed downloads: read correctly, or refused."""

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handgrad.data.formats.registry import read_contents
from handgrad.errors import DataError

RNG = np.random.default_rng(0)
N, SIDE = 60, 6
X = RNG.integers(0, 256, (N, SIDE, SIDE), np.uint8)
X[:, 0, 0] = 0
Y = np.arange(N) % 10
HEADER = ["label", *(f"pixel{k}" for k in range(SIDE * SIDE))]
ANIMALS = ["cat", "cow", "hen"]


def lines(form=str, delimiter=","):
    """Return the header and the rows as text."""
    rows = [[str(k), *map(form, x.ravel().tolist())] for k, x in zip(Y, X, strict=True)]
    return [delimiter.join(cells) for cells in (HEADER, *rows)]


def quoted(form):
    return lines(lambda value: f'"{form(value)}"')


EMPTY = "," * (SIDE * SIDE)
READ = {
    "pipes": lines(delimiter="|"),
    "a separator of Excel": ["sep=;", *lines(delimiter=";")],
    "a title": ["# drawn by pupils in 2024", *lines()],
    "rows of empty cells": [*lines()[:9], EMPTY, *lines()[9:], EMPTY, ""],
    "16 bits": lines(lambda value: str(value * 257)),
    "-128..127": lines(lambda value: str(value - 128)),
}
REFUSED = {
    "thousands commas": (quoted(lambda v: f"{v * 257:,}"), "it is unclear what '[0-9,]+' means"),
    "thousands points": (
        lines(lambda value: f"{value * 257:,}".replace(",", "."), ";"),
        r"it is unclear what '[0-9.]+' means; write numbers with a decimal point",
    ),
    "decimal commas": (quoted(lambda v: f"{v / 255:.4f}".replace(".", ",")), "is unclear what"),
    "one large number": ([*lines()[:5], "3,65000" + ",0" * 35], "line 6, column 2.*65000 is out"),
    "0..771": (
        lines(lambda value: str(value * 3)),
        "is out of range; whole numbers must be 0..255",
    ),
    "a name twice": (
        [lines()[0].replace("pixel7,", "pixel6,"), *lines()[1:]],
        "leave out a pixel or repeat one",
    ),
    "a web page": (["<!DOCTYPE html>", "<html>404</html>"], "is a web page, not a table"),
    "Git LFS": (["version https://git-lfs.github.com/spec/v1", "size 9"], "git lfs pull"),
}


def values(contents):
    images = contents.splits["train"].images.astype(np.int64)
    low, high = images.min(), images.max()
    return (images - low) // (257 if high > 255 else 1), contents.splits["train"].labels


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_as_what_it_is(name, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(READ[name]))
    images, labels = values(read_contents(path))
    assert np.array_equal(images[:, 0], X)
    assert np.array_equal(labels, Y)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_states_the_encoding(encoding, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\r\n".join(lines(delimiter="\t")), encoding)
    assert np.array_equal(values(read_contents(path))[0][:, 0], X)


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_in_doubt_is_refused_with_the_reason(name, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(REFUSED[name][0]))
    with pytest.raises(DataError, match=REFUSED[name][1]):
        read_contents(path)


def test_pixels_in_one_cell_may_have_the_brackets_of_numpy(tmp_path):
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["label", "image"], *zip(Y, map(str, X), strict=True)])
    assert np.array_equal(values(read_contents(tmp_path / "a.csv"))[0][:, 0], X)


def test_opaque_alpha_is_left_out(tmp_path):
    rgba = np.full((N, SIDE, SIDE, 4), 255)
    rgba[..., :3] = X[..., None]
    header = ["label", *(f"p{k}" for k in range(SIDE * SIDE * 4))]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *np.column_stack([Y, rgba.reshape(N, -1)]).tolist()])
    images, _ = values(read_contents(tmp_path / "a.csv"))
    assert np.array_equal(images, rgba[..., :3].transpose(0, 3, 1, 2))


def test_a_table_with_20_000_columns_is_understood_at_once(tmp_path):
    side = 142
    rows = np.column_stack([np.arange(4) % 2, RNG.integers(0, 256, (4, side * side))])
    header = ",".join(["label", *(f"p{k}" for k in range(side * side))])
    np.savetxt(tmp_path / "a.csv", rows, "%d", ",", header=header, comments="")
    start = time.perf_counter()
    read_contents(tmp_path / "a.csv")
    assert time.perf_counter() - start < 10  # 1 s; a quadratic search takes 60 s


LISTED = {
    "a separator of Windows": (lambda k: f"images\\a\\{k}.png", None),
    "an absolute path of Windows": (lambda k: f"C:\\Users\\me\\images\\a\\{k}.png", None),
    "an absolute path of another computer": (lambda k: f"/kaggle/input/x/images/a/{k}.png", None),
    "the name of the folder itself": (lambda k: f"data/images/a/{k}.png", None),
    "a point": (lambda k: f"./images/a/{k}.png", None),
    "capital letters": (lambda k: f"Images/A/{k}.PNG", None),
    "one-hot labels": (lambda k: f"{k}", ANIMALS),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_list_finds_its_images(name, tmp_path):
    form, one_hot = LISTED[name]
    folder = tmp_path / "data"
    (folder / "images" / "a").mkdir(parents=True)
    for k in range(9):
        Image.fromarray(X[k]).save(folder / "images" / "a" / f"{k}.png")
    rows = [["image", *(one_hot or ["label"])]]
    flags = np.eye(3)[np.arange(9) % 3].tolist()
    rows += [[form(k), *(flags[k] if one_hot else [k % 3])] for k in range(9)]
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    for path in (folder / "list.csv", folder):
        train = read_contents(path).splits["train"]
        assert [file.relative_to(folder).as_posix() for file in train.paths] == [
            f"images/a/{k}.png" for k in range(9)
        ]
        assert list(train.labels) == [ANIMALS[k % 3] if one_hot else k % 3 for k in range(9)]


def test_the_tables_may_be_in_folders_of_their_own(tmp_path):
    for split, stop in (("train", 40), ("test", 20)):
        (tmp_path / f"sign_{split}").mkdir()
        table = tmp_path / f"sign_{split}" / f"sign_{split}.csv"
        table.write_text("\n".join(lines()[: stop + 1]))
    Image.fromarray(X[0]).save(tmp_path / "alphabet.png")
    splits = read_contents(tmp_path).splits
    assert {split: len(part.labels) for split, part in splits.items()} == {"train": 40, "test": 20}


def test_the_path_of_a_table_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, stop in (("train.csv", 40), ("test.csv", 20)):
        Path(name).write_text("\n".join(lines()[: stop + 1]))
    assert read_contents(Path("train.csv")).splits.keys() == {"train", "test"}
    assert read_contents(Path("test.csv")).splits.keys() == {"train"}
