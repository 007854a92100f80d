import re
import sys
import time

import numpy as np
import pytest

from handgrad.data.formats import pixel_table
from handgrad.errors import DataError

HEADERS = [
    "label,0,1,2,3",
    "Label,p0,p1,p2,p3",
    '"label","0","1","2","3"',
    "class,1x1,1x2,2x1,2x2",
    "label,253,254,255,256",
]


def table(folder, *lines, name="a.csv"):
    (folder / name).write_text("\n".join(lines))
    return folder / name


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("label", ["7", "cat"])
def test_a_header_is_skipped(tmp_path, header, label):
    arrays = pixel_table.read(table(tmp_path, header, f"{label},1,2,3,4")).splits["train"]
    assert arrays.images.tolist() == [[[[1, 2], [3, 4]]]]
    assert arrays.labels.tolist() == [int(label) if label == "7" else label]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["kind,0,1,2,3", "7,1,2,3,4", "8,1,2,3,4"],
            "a.csv: no column is called label, but there is column 1 `kind`; call the column with "
            "the labels label",
        ),
        (
            ["a,3,3,3,3", "7,1,2,3,4", "8,1,2,3,4"],
            "a.csv, line 1, column 1: the label 'a' is followed by numbers; if this line is a "
            "header, call the column with the labels label",
        ),
        (["a,0,1,2,3", ",0,1,2,3"], "a.csv, line 2, column 1: the label is missing; add it"),
        (
            ["label,a,b,c,d", "a,0,1,2,3", " ,0,1,2,3"],
            "a.csv, line 3, column 1 `label`: the label is missing; add",
        ),
        (["a,0,1,2,3", '"",0,1,2,3'], "a.csv, line 2, column 1: the label is missing; add it"),
        (['""', '""'], "a.csv, line 1, column 1: the cell is empty; correct it"),
        (["\x1f"], "a.csv, line 1, column 1: the cell is empty; correct it"),
    ],
)
def test_invalid_headers_and_labels_are_rejected(tmp_path, lines, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        pixel_table.read(table(tmp_path, *lines))


def test_quoted_labels_may_contain_commas_and_quotes(tmp_path):
    path = table(tmp_path, '"x, y",1,2,3,4', '"say ""no""" ,5,6,7,8', " a ,9,9,9,9")
    arrays = pixel_table.read(path).splits["train"]
    assert arrays.labels.tolist() == ["x, y", 'say "no"', "a"]
    assert arrays.images[1].ravel().tolist() == [5, 6, 7, 8]


def test_labels_are_integers_in_both_files_or_in_neither(tmp_path):
    path = table(tmp_path, "1,1,2,3,4", "b,1,2,3,4", name="train.csv")
    table(tmp_path, "1,5,6,7,8", name="test.csv")
    assert pixel_table.read(path).splits["test"].labels.tolist() == ["1"]
    table(tmp_path, "1,1,2,3,4", "2,1,2,3,4", name="train.csv")
    assert np.issubdtype(pixel_table.read(path).splits["test"].labels.dtype, np.integer)


@pytest.mark.slow
@pytest.mark.parametrize(("parser", "limit"), [("pyarrow", 3), ("numpy", 10)])
def test_a_table_of_76_mb_loads_in_seconds(tmp_path, monkeypatch, parser, limit):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((42_000, 784)) < 0.8, 0, rng.integers(0, 256, (42_000, 784)))
    y = rng.integers(0, 10, 42_000)
    lines = (",".join(map(str, row)) for row in np.column_stack([y, X]).tolist())
    path = table(tmp_path, "label," + ",".join(f"pixel{k}" for k in range(784)), *lines)
    if parser == "numpy":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        pytest.importorskip("pyarrow.csv")
    began = time.process_time()
    rows = pixel_table.read_rows(path)
    seconds = time.process_time() - began
    print(f"{path.stat().st_size / 1e6:.0f} MB with {parser}: {seconds:.1f} s of CPU time")
    assert np.array_equal(rows.images.reshape(42_000, 784), X)
    assert seconds < limit
