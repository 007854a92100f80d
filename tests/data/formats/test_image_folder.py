import os
import re

import pytest

from handgrad.data.formats.registry import list_images
from handgrad.errors import DataError


def touch(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def labels(root):
    return {split: found.labels for split, found in list_images(root).items()}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (["train/a/0.png", "c/0.png"], {"train": ["a"]}),
        (["train/0.png", "car/0.png"], {"train": ["car", "train"]}),
        (["train/0.png", "test/0.png"], {"train": ["test", "train"]}),
        (["test/a/0.png", "test/b/0.png"], {"test": ["a", "b"]}),
        (["test/a/0.png", "car/0.png"], {"train": ["car", "test"]}),
        (["Training/a/0.png", "Testing/a/0.png"], {"train": ["a"], "test": ["a"]}),
        (["train/a/0.png", "train/0.png", "val/a/0.png"], {"train": ["a"], "validation": ["a"]}),
    ],
)
def test_split_folders_and_class_folders(tmp_path, files, wanted):
    touch(tmp_path, *files)
    assert labels(tmp_path) == wanted


def test_unsupported_files_are_counted_if_there_are_no_images(tmp_path):
    touch(tmp_path, "a/0.webp", "a/1.webp", "b/0.TIFF", "b/0.webp")
    sentence = (
        "contains no images, but 4 files of unsupported formats (.tiff, .webp); "
        "convert them to PNG; a folder must contain FOLDER/CLASS/*.png"
    )
    with pytest.raises(DataError, match=re.escape(sentence)):
        list_images(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_class_name_that_is_not_utf_8_is_rejected(tmp_path):
    touch(tmp_path, "a/0.png")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\xfe")
    touch(tmp_path, "\udcff\udcfe/0.png")
    sentence = r"the class name '\udcff\udcfe' is not valid UTF-8; rename it"
    with pytest.raises(DataError, match=re.escape(sentence)):
        list_images(tmp_path)


def table(root, text):
    (root / "metadata.csv").write_text(text, encoding="utf-8", newline="")
    return root


def test_quoted_cells_may_contain_line_breaks(tmp_path):
    lines = ["file_name,label", '"x\ny.png",p', "a\u2028b.png,q", "c.png,r"]
    (found,) = list_images(table(tmp_path, "\r\n".join(lines))).values()
    assert [path.name for path in found.paths] == ["x\ny.png", "a\u2028b.png", "c.png"]
    assert found.labels == ["p", "q", "r"]


@pytest.mark.parametrize("column", ["file_name", "image", "picture"])  # language: ok
def test_names_of_the_column_of_files(tmp_path, column):
    (found,) = list_images(table(tmp_path, f"{column},label\na.png,p\n")).values()
    assert [path.name for path in found.paths] == ["a.png"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "file_name,label\n",
            "metadata.csv: contains no images, only a header; add one line per image",
        ),
        ("", "metadata.csv: contains no images; add one line per image"),
        (
            "f,l,m\na.png,p,q\n",
            "metadata.csv: no column is called label, but there is column 2 `l`, column 3 `m`",
        ),
        ("f,l\na,p\n", "metadata.csv: columns 1 and 2 contain text, and there is no header; add"),
        (
            'file_name,label\n"x\ny.png",p\na.png\n',
            "metadata.csv, line 4: expected 2 cells, not 1; correct it",
        ),
    ],
)
def test_invalid_tables_are_rejected(tmp_path, text, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        list_images(table(tmp_path, text))
