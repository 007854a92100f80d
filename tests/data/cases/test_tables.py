"""Tables as other programs write them: each is read correctly, or refused with one sentence."""

import csv
import gzip
import re
import sys

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.every_split import load_every_split
from handgrad.data.formats.pixel_table import read_rows
from handgrad.data.formats.registry import read_contents
from handgrad.errors import DataError

RNG = np.random.default_rng(0)
N, SIDE = 60, 6
X = RNG.integers(0, 256, (N, SIDE, SIDE), np.uint8)
X[:, 0, 0] = X[:, -1, -1] = 0  # the corners are blank, as in MNIST
Y = RNG.permutation(np.arange(N) % 10)
PIXELS = [f"pixel{k}" for k in range(SIDE * SIDE)]
ROWS = X.reshape(N, -1).tolist()
SIZE = "36 pixels, 6x6"


@pytest.fixture(params=["pyarrow", "numpy"], autouse=True)
def parser(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        pytest.importorskip("pyarrow")


def write(path, header, rows, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([*([header] if header else []), *rows])
    return path


def labelled(form=str, label=str):
    return [[label(k), *map(form, row)] for k, row in zip(Y.tolist(), ROWS, strict=True)]


def moved(rows, to):
    return [[*row[1 : to + 1], row[0], *row[to + 1 :]] for row in rows]


def column_order(names):
    """Return the header and rows with the pixel columns in another order."""
    order = sorted(range(len(names)), key=lambda k: names[k])
    return ["label", *(names[k] for k in order)], [
        [y, *(row[k] for k in order)] for y, row in zip(Y.tolist(), ROWS, strict=True)
    ]


HEADER = ["label", *PIXELS]
R0C0 = [f"r{r}c{c}" for r in range(SIDE) for c in range(SIDE)]
# name: header, rows, delimiter, summary
READ = {
    "label first": (HEADER, labelled(), ",", "label: column 1 `label`"),
    "no header": (None, labelled(), ",", "label: column 1"),
    "no header, label last": (None, moved(labelled(), 36), ",", "label: column 37"),
    "label last": ([*PIXELS, "Label"], moved(labelled(), 36), ",", "label: column 37 `Label`"),
    "class last": ([*PIXELS, "class"], moved(labelled(), 36), ",", "label: column 37 `class`"),
    "label inside": (
        [*PIXELS[:9], " Category ", *PIXELS[9:]],
        moved(labelled(), 9),
        ",",
        "label: column 10 `Category`",
    ),
    "digit": (["digit", *map(str, range(36))], labelled(), ",", "label: column 1 `digit`"),
    "y": (["y", *PIXELS], labelled(), ",", "label: column 1 `y`"),
    "class_name": (["class_name", *PIXELS], labelled(), ",", "label: column 1 `class_name`"),
    "y_true": (["y_true", *PIXELS], labelled(), ",", "label: column 1 `y_true`"),
    "index": (
        ["", *HEADER],
        [[k, *row] for k, row in enumerate(labelled())],
        ",",
        "label: column 2 `label`; 36 pixels, 6x6; skipped: column 1",
    ),
    "index of R": (
        HEADER,
        [[f"row{k}", *row] for k, row in enumerate(labelled())],
        ",",
        "label: column 2 `label`; 36 pixels, 6x6; skipped: column 1",
    ),
    "unnamed": (
        ["Unnamed: 0", *HEADER],
        [[k, *row] for k, row in enumerate(labelled())],
        ",",
        "label: column 2 `label`; 36 pixels, 6x6; skipped: column 1 `Unnamed: 0`",
    ),
    "id": (
        ["ID", *HEADER],
        [[f"a{k}", *row] for k, row in enumerate(labelled())],
        ",",
        "label: column 2 `label`; 36 pixels, 6x6; skipped: column 1 `ID`",
    ),
    "other columns": (
        ["writer", "id", *PIXELS, "target", "date"],
        [[k % 3, k, *row, y, "x"] for k, (y, *row) in enumerate(labelled())],
        ",",
        "label: column 39 `target`; 36 pixels, 6x6; skipped: column 1 `writer`, column 2 `id`, "
        "column 40 `date`",
    ),
    "names 0 to 36 and an index": (
        ["", *map(str, range(37))],
        [[k, *row] for k, row in enumerate(labelled())],
        ",",
        "label: column 2 `0`; 36 pixels, 6x6; skipped: column 1",
    ),
    "separator at the end": (None, [[*row, ""] for row in labelled()], ",", "label: column 1"),
    "spaces between cells": (None, labelled("{}.0".format), " ", "label: column 1"),
    "decimal commas": (HEADER, labelled("{},0".format), ";", "label: column 1 `label`"),
    "names 0 to 36": (list(map(str, range(37))), labelled(), ",", "label: column 1 `0`"),
    "V1 to V37": ([f"V{k + 1}" for k in range(37)], labelled(), ",", "label: column 1 `V1`"),
    "floats": (HEADER, labelled("{}.0".format), ",", "label: column 1 `label`"),
    "scientific": (
        None,
        labelled("{:.18e}".format, "{:.18e}".format),
        ",",
        "label: column 1",
    ),
    "semicolon": (HEADER, labelled(), ";", "label: column 1 `label`"),
    "tab": (HEADER, labelled(), "\t", "label: column 1 `label`"),
    "spaces": (HEADER, labelled(" {} ".format), ",", "label: column 1 `label`"),
    "quoted": (HEADER, labelled('"{}"'.format), ",", "label: column 1 `label`"),
    "NumPy's header": (["# label", *PIXELS], labelled(), ",", "label: column 1 `label`"),
    "sorted names": (*column_order(PIXELS), ",", "label: column 1 `label`"),
    "1x1": (
        ["label", *(f"{r}x{c}" for r in range(1, 7) for c in range(1, 7))],
        labelled(),
        ",",
        "label: column 1 `label`",
    ),
    "r0c0": (*column_order(R0C0), ",", "label: column 1 `label`"),
    "x0y0": (
        *column_order([f"x{c}_y{r}" for r in range(6) for c in range(6)]),
        ",",
        "label: column 1 `label`",
    ),
    "one-hot": (
        [*(f"c{k}" for k in range(10)), *PIXELS],
        [[*map(int, np.eye(10)[y]), *row] for y, row in zip(Y, ROWS, strict=True)],
        ",",
        "label: column 1 `c0` to column 10 `c9`, one-hot",
    ),
    "get_dummies": (
        [*PIXELS, *(f"label_{k}" for k in range(10))],
        [[*row, *(np.eye(10, dtype=bool)[y])] for y, row in zip(Y, ROWS, strict=True)],
        ",",
        "label: column 37 `label_0` to column 46 `label_9`, one-hot",
    ),
    "one cell": (
        ["emotion", "pixels"],
        [[y, " ".join(map(str, row))] for y, row in zip(Y, ROWS, strict=True)],
        ",",
        "label: column 1 `emotion`",
    ),
    "one cell with a list": (
        ["pixels", "label"],
        [[str(row), y] for y, row in zip(Y, ROWS, strict=True)],
        ",",
        "label: column 2 `label`",
    ),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_tables_are_read_as_they_are_meant(tmp_path, name, suffix):
    header, rows, delimiter, summary = READ[name]
    if name == "quoted":
        rows = [[y, *(cell.strip('"') for cell in row)] for y, *row in rows]
    path = write(tmp_path / "a.csv", header, rows, delimiter)
    if name == "quoted":
        path.write_text(re.sub(r"(?m)([^,\r\n]+)", r'"\1"', path.read_text()))
    if suffix == ".csv.gz":
        content = path.read_bytes()
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(content))
    contents = read_contents(path)
    images, labels = contents.splits["train"]
    assert images.dtype == np.uint8
    assert np.array_equal(images[:, 0], X)
    assert np.array_equal(labels, Y)
    assert contents.summary.startswith(summary)
    assert SIZE in contents.summary


@pytest.mark.parametrize("form", ["{:.4f}", "{:.6e}"])
def test_fractions_stay_floating_point(tmp_path, form):
    rows = labelled(lambda value: form.format(value / 255))
    images, labels = read_contents(write(tmp_path / "a.csv", HEADER, rows)).splits["train"]
    wanted = np.array([row[1:] for row in rows], np.float64).astype(np.float32)
    assert images.dtype == np.float32
    assert np.array_equal(images.reshape(N, -1), wanted)
    assert np.array_equal(labels, Y)


# The cell in line 8 and column 11 of a table with a header and an identifier.
@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("", "the cell is empty"),
        ("NaN", "'NaN' is not a number"),
        ("inf", "'inf' is not a number"),
        ("1e400", "'1e400' is not a number"),
        ("n/a", "'n/a' is not a number"),
        ("1_0", "'1_0' is not a number"),
        ("0x10", "'0x10' is not a number"),
        ("٣", "'٣' is not a number"),
        ("12 3", "'12 3' is not a number"),
        ("256", "256 is out of range; whole numbers must be 0..255"),
        ("-1", "-1 is out of range; whole numbers must be 0..255"),
    ],
)
def test_an_unreadable_cell_is_named(tmp_path, cell, found):
    rows = [[k, *row] for k, row in enumerate(labelled())]
    rows[6][10] = cell
    path = write(tmp_path / "a.csv", ["id", *HEADER], rows)
    sentence = f"a.csv, line 8, column 11 `pixel8`: {found}; correct it"
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_contents(path)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("", "the label is missing; add it"),
        ("NaN", "the label is missing; add it"),
        ("3.5", "the label '3.5' is not a whole number; correct it"),
    ],
)
def test_an_unreadable_label_is_named(tmp_path, label, reason):
    rows = labelled()
    rows[4][0] = label
    with pytest.raises(DataError, match=re.escape(f"a.csv, line 6, column 1 `label`: {reason}")):
        read_contents(write(tmp_path / "a.csv", HEADER, rows))


BINARY = [[y, *(int(v > 127) for v in row)] for y, row in zip(Y % 2, ROWS, strict=True)]
REFUSED = {
    "two labels": (
        ["label", *PIXELS, "class"],
        [[*row, 0] for row in labelled()],
        "column 1 `label` and column 38 `class` could both be the label; remove or rename one",
    ),
    "unknown name": (
        ["kind", *PIXELS],
        labelled(),
        "no column is called label, but there is column 1 `kind`; call the column with the",
    ),
    "a name of files": (
        ["name", *PIXELS],
        labelled(),
        "no column is called label, but there is column 1 `name`; call the column with the",
    ),
    "first or last": (
        None,
        [[*row[:-1], row[0]] for row in BINARY],
        "it is unclear whether the label is column 1 or column 37; add a header that calls it",
    ),
    "row numbers without labels": (
        None,
        [[k, *row] for k, row in enumerate(ROWS)],
        "it is unclear whether the label is column 1 or column 37; add a header that calls it",
    ),
    "row numbers without a header": (
        None,
        [[k, *row] for k, row in enumerate(labelled())],
        "37 pixels per row do not form a square grey or colour image",
    ),
    "not square": (
        ["label", *PIXELS[:35]],
        [row[:-1] for row in labelled()],
        "35 pixels per row do not form a square grey or colour image",
    ),
    "a pixel is missing": (
        ["label", *PIXELS[:11], *(f"pixel{k}" for k in range(12, 26))],
        [row[:26] for row in labelled()],
        "the names of the pixel columns, from pixel0 to pixel25, leave out a pixel or repeat one",
    ),
    "two ones": (
        ["a", "b", *PIXELS],
        [[1, int(k == 3), *row] for k, row in enumerate(ROWS)],
        "line 5, column 1 `a` to column 2 `b`: exactly one of these one-hot labels must be 1, and",
    ),
    "a short row": (HEADER, [*labelled()[:5], [1, 2]], "line 7: expected 37 cells, not 2; correct"),
    "a short cell": (
        ["label", "pixels"],
        [[1, "1 2 3 4"], [1, "1 2 3"]],
        "line 3, column 2 `pixels`: 3 numbers, not 4; correct it",
    ),
    "text in a cell of pixels": (
        ["label", "pixels"],
        [[1, "1 2 3 4"], [1, "1 2 x 4"]],
        "line 3, column 2 `pixels`, number 3: 'x' is not a number; correct it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_ambiguous_tables_are_refused(tmp_path, name):
    header, rows, sentence = REFUSED[name]
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_contents(write(tmp_path / "a.csv", header, rows))


def test_kaggle_folder_trains_on_one_table_and_predicts_the_other(tmp_path):
    write(tmp_path / "train.csv", HEADER, labelled())
    write(tmp_path / "test.csv", PIXELS, ROWS[:7])
    write(tmp_path / "sample_submission.csv", ["ImageId", "Label"], [[k + 1, 0] for k in range(7)])
    contents = read_contents(tmp_path)
    assert np.array_equal(contents.splits["train"].labels, Y)
    assert np.array_equal(contents.unlabelled.images[:, 0], X[:7])
    assert [skipped.path for skipped in contents.skipped] == ["sample_submission.csv"]
    train, test = hg.load_data(str(tmp_path))
    assert len(train) + len(test) == N
    contents = read_contents(tmp_path / "test.csv")
    assert contents.splits == {}
    assert np.array_equal(contents.unlabelled.images[:, 0], X[:7])
    with pytest.raises(DataError, match=r"test\.csv has no labels"):
        hg.load_data(str(tmp_path / "test.csv"))


def test_the_only_inner_folder_is_entered(tmp_path):
    inner = tmp_path / "archive" / "dataset"
    inner.mkdir(parents=True)
    write(inner / "digits_train.csv", HEADER, labelled())
    write(inner / "digits_test.csv", HEADER, labelled()[:9])
    (inner / "readme.txt").write_text("a, b")
    splits = read_contents(tmp_path).splits
    assert np.array_equal(splits["train"].labels, Y)
    assert np.array_equal(splits["test"].labels, Y[:9])
    write(inner / "letters_train.csv", HEADER, labelled())
    sentence = "several tables, digits_train.csv, letters_train.csv; give the path of one of them"
    with pytest.raises(DataError, match=sentence):
        read_contents(tmp_path)


def test_tables_and_arrays_next_to_class_folders_are_ignored(tmp_path):
    for k in range(2):
        (tmp_path / str(k)).mkdir()
        Image.fromarray(X[k]).save(tmp_path / str(k) / "a.png")
    write(tmp_path / "results.csv", HEADER, labelled())
    write(tmp_path / "notes.csv", None, [["a", "b"], ["c", "d"]])
    np.savez(tmp_path / "features.npz", x=X, y=Y)
    assert read_contents(tmp_path).splits["train"].labels == [0, 1]


def test_usage_column_states_the_splits(tmp_path):
    usage = ["Training"] * 40 + ["PublicTest"] * 12 + ["PrivateTest"] * 8
    rows = [[y, " ".join(map(str, row)), u] for y, row, u in zip(Y, ROWS, usage, strict=True)]
    path = write(tmp_path / "fer.csv", ["emotion", "pixels", "Usage"], rows)
    contents = read_contents(path)
    assert {name: len(split.labels) for name, split in contents.splits.items()} == {
        "train": 40,
        "validation": 12,
        "test": 8,
    }
    assert np.array_equal(contents.splits["test"].images[:, 0], X[52:])
    assert contents.summary.endswith("split: column 3 `Usage`")
    rows[3][2] = "Other"
    with pytest.raises(DataError, match=r"fer.csv, line 5, column 3 `Usage`: 'Other' is not a"):
        read_contents(write(path, ["emotion", "pixels", "Usage"], rows))


def test_colour_images_are_planes_or_interleaved(tmp_path):
    smooth = np.linspace(0, 200, 8)[:, None, None] + np.linspace(0, 50, 8)[:, None]
    colour = (smooth + RNG.uniform(0, 5, (20, 1, 1, 1)) * np.arange(3)).astype(np.uint8)
    header, labels = ["label", *(f"p{k}" for k in range(192))], np.arange(20) % 2
    for values, words in ((colour.transpose(0, 3, 1, 2), "three planes"), (colour, "interleaved")):
        rows = np.column_stack([labels, values.reshape(20, -1)]).tolist()
        contents = read_contents(write(tmp_path / "a.csv", header, rows))
        assert np.array_equal(contents.splits["train"].images, colour.transpose(0, 3, 1, 2))
        assert contents.summary.endswith(f"192 pixels, 8x8 in colour ({words})")
    header = ["label", *(f"{c}{k}" for k in range(64) for c in "rgb")]
    images = read_contents(write(tmp_path / "a.csv", header, rows)).splits["train"].images
    assert np.array_equal(images, colour.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("kind", ["noise", "flat images", "one black image"])
def test_an_unclear_order_of_the_colours_is_reported_unless_it_makes_no_difference(kind, tmp_path):
    rng, y = np.random.default_rng(0), np.arange(20) % 2
    X = rng.integers(0, 256, (20, 108))
    if kind == "flat images":
        X = np.repeat(rng.integers(0, 256, (20, 1)), 108, axis=1)
    if kind == "one black image":
        X, y = np.zeros((2, 108), np.int64), y[:2]
    np.savetxt(tmp_path / "rows.csv", np.column_stack([y, X]), "%d", delimiter=",")
    np.savez(tmp_path / "rows.npz", x=X.astype(np.uint8), y=y)
    for name in ("rows.csv", "rows.npz"):
        data = load_every_split(tmp_path / name)
        assert np.array_equal(data.images, X.reshape(-1, 3, 6, 6))
        is_reported = "three planes are assumed, because the order is unclear" in data.summary
        assert is_reported == (kind == "noise"), name
    names = [f"{c}{n}" for c in "rgb" for n in range(36)]
    rows = np.column_stack([y, X])
    header = ",".join(["label", *names])  # they state the order
    np.savetxt(tmp_path / "rows.csv", rows, "%d", delimiter=",", header=header, comments="")
    data = load_every_split(tmp_path / "rows.csv")
    assert np.array_equal(data.images, X.reshape(-1, 3, 6, 6))


def test_names_with_coordinates_state_a_shape_that_is_not_square(tmp_path):
    header = ["label", *(f"{r}x{c}" for r in range(1, 5) for c in range(1, 10))]
    contents = read_contents(write(tmp_path / "a.csv", header, labelled()))
    assert np.array_equal(contents.splits["train"].images, X.reshape(N, 1, 4, 9))
    assert contents.summary == "label: column 1 `label`; 36 pixels, 4x9"


@pytest.mark.parametrize("place", [".", "images", "train"])
@pytest.mark.parametrize(
    ("header", "suffix"),
    [
        (["id", "label"], ""),
        (["file_name", "class"], ".png"),
        (["id", "breed"], ""),
        (["image_id", "what"], ""),
        (None, ".png"),
    ],
)
def test_lists_of_files_with_and_without_suffix(tmp_path, place, header, suffix):
    (tmp_path / place).mkdir(exist_ok=True)
    for k, x in enumerate(X):
        Image.fromarray(x).save(tmp_path / place / f"img_{k:03}.png")
    rows = [[f"img_{k:03}{suffix}", y] for k, y in enumerate(Y)]
    write(tmp_path / "labels.csv", header, rows)
    for path in (tmp_path, tmp_path / "labels.csv"):
        files = read_contents(path).splits["train"]
        assert files.labels == Y.tolist()
        assert [file.name for file in files.paths] == [f"img_{k:03}.png" for k in range(N)]
        assert all(file.is_file() for file in files.paths)
    rows[9][0] = "img_999"
    write(tmp_path / "labels.csv", header, rows)
    if not suffix:
        with pytest.raises(DataError, match=r"labels.csv, line 11, column 1.*no image called 'img"):
            read_contents(tmp_path / "labels.csv")


def test_a_large_block_boundary_keeps_all_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.data.formats.text_table._BLOCK", 500)
    rows = read_rows(write(tmp_path / "a.csv", HEADER, labelled()))
    assert np.array_equal(rows.images[:, 0], X)
    assert rows.labels == [str(y) for y in Y]
