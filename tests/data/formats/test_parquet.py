import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from handgrad.data.formats.registry import read_contents
from handgrad.errors import DataError

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 6, 6), np.uint8)
Y = RNG.permutation(np.arange(30) % 3)


def png(x):
    file = io.BytesIO()
    Image.fromarray(x).save(file, "PNG")
    return file.getvalue()


def write(path, columns, names=None):
    table = pyarrow.table(columns)
    if names:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    parquet.write_table(table, path)
    return path


def pixels(values):
    return {f"pixel{k}": column for k, column in enumerate(values.reshape(30, -1).T)}


@pytest.mark.parametrize(
    ("columns", "summary"),
    [
        ({**pixels(X), "label": Y}, "label: column 37 `label`; 36 pixels, 6x6"),
        ({"id": np.arange(30), "label": Y, **pixels(X)}, "label: column 2 `label`; 36 pixels"),
        ({"pixels": list(X.reshape(30, 36)), "label": Y}, "label: column 2 `label`; 36 pixels"),
        (
            {"image": [x.tolist() for x in X], "label": Y.astype(str)},
            "label: column 2 `label`; 36 pixels",
        ),
        ({"image": [png(x) for x in X], "label": Y}, "label: column 2 `label`; images: column 1"),
        (
            {"image": [{"bytes": png(x), "path": None} for x in X], "label": Y},
            "label: column 2 `label`; images: column 1 `image`, 6x6",
        ),
    ],
)
def test_parquet_files_of_pixels_and_of_images(tmp_path, columns, summary):
    contents = read_contents(write(tmp_path / "train.parquet", columns))
    images, labels = contents.splits["train"]
    assert images.dtype == np.uint8
    assert np.array_equal(images.reshape(X.shape), X)
    assert np.array_equal(labels, Y)
    assert contents.summary.startswith(summary)
    write(tmp_path / "test.parquet", columns)
    assert read_contents(tmp_path).splits.keys() == {"train", "test"}


def test_class_names_of_hugging_face(tmp_path):
    columns = {"image": [{"bytes": png(x), "path": None} for x in X], "label": Y}
    path = write(tmp_path / "a.parquet", columns, names=["cat", "cow", "dog"])
    assert read_contents(path).splits["train"].labels.tolist() == [
        ["cat", "cow", "dog"][y] for y in Y
    ]


def test_a_bad_cell_is_named_by_row_and_column(tmp_path):
    values = X.astype(float)
    values[4, 0, 3] = np.nan
    sentence = "a.parquet, row 5, column 4 `pixel3`: the cell is empty or not a number; correct it"
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_contents(write(tmp_path / "a.parquet", {**pixels(values), "label": Y}))


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        (png(X[0, :4]), "row 3: the image has 4x6 pixels, but the first one has 6x6; save the im"),
        (b"no image", "row 3: the image cannot be decoded; remove the row"),
        (None, "row 3: the image is missing; remove the row"),
    ],
)
def test_images_that_cannot_be_used_are_named(tmp_path, cell, sentence):
    images = [png(x) for x in X]
    images[2] = cell
    path = write(tmp_path / "a.parquet", {"image": images, "label": Y})
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_contents(path)
