import os
import re

import pytest
from PIL import Image

from handgrad.data.formats.registry import list_images, read_contents
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
        (["test/a/0.png", "test/b/0.png"], {"test": ["a", "b"]}),
        (["test/a/0.png", "car/0.png"], {"train": ["car", "test"]}),
        (["Training/a/0.png", "Testing/a/0.png"], {"train": ["a"], "test": ["a"]}),
        (["train/a/0.png", "train/0.png", "val/a/0.png"], {"train": ["a"], "validation": ["a"]}),
    ],
)
def test_split_folders_and_class_folders(tmp_path, files, wanted):
    touch(tmp_path, *files)
    assert labels(tmp_path) == wanted


def test_links_to_folders_above_and_to_themselves_are_left_out(tmp_path):
    touch(tmp_path, "a/0.png", "b/0.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "up").symlink_to(tmp_path / "b")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert labels(tmp_path) == {"train": ["a", "b"]}


TRAIN_AND_TEST = {"train": ["a", "b"], "test": ["a", "b"]}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("trainingSet", "testSet"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_set", "test_set"),
        ("TRAIN", "Test"),
        ("Training", "Testing"),
        ("trainset", "testset"),
        ("mnist-train", "mnist-test"),
        ("train_images", "test_images"),
        ("train2017", "test2017"),
        ("train/images", "test/images"),
        ("data/train", "data/test"),
        ("archive/dataset/Train Data", "archive/dataset/Test Data"),
        ("asl_train", "asl_test"),
    ],
)
def test_splits_are_recognized_by_their_names(tmp_path, train, test):
    touch(tmp_path, *(f"{split}/{label}/0.png" for split in (train, test) for label in "ab"))
    assert labels(tmp_path) == TRAIN_AND_TEST
    assert f"training images in {train.removesuffix('/images').split('/')[-1]}" in summary(tmp_path)


def summary(root):
    return read_contents(root).summary


def test_three_splits_a_sample_and_unlabelled_images(tmp_path):
    for split in ("trainingSet", "Valid", "testSet", "trainingSample"):
        touch(tmp_path, f"{split}/a/0.png", f"{split}/b/0.png")
    touch(tmp_path, "prediction/1.png", "prediction/2.png", "extra/0.png", "notes.txt", "x.zip")
    contents = read_contents(tmp_path)
    assert {s: files.labels for s, files in contents.splits.items()} == {
        **TRAIN_AND_TEST,
        "validation": ["a", "b"],
    }
    assert [path.name for path in contents.unlabelled.paths] == ["1.png", "2.png"]
    assert set(contents.skipped) == {
        ("trainingSample", "a sample of the training images, with 2 images"),
        ("extra", "a folder of 1 image beside the splits"),
        ("notes.txt", "not an image"),
        ("x.zip", "an archive, which must be unpacked"),
    }


def test_a_test_folder_without_class_folders_is_data_to_predict(tmp_path):
    touch(tmp_path, "train/a/0.png", "train/b/0.png", "test/test/7.png", "test/test/8.png")
    contents = read_contents(tmp_path)
    assert list(contents.splits) == ["train"]
    assert [path.name for path in contents.unlabelled.paths] == ["7.png", "8.png"]
    assert contents.summary == "training images in train, images without labels in test"


def test_images_without_a_class_are_counted(tmp_path):
    touch(tmp_path, "0.png", "a/0.png", "a/Thumbs.db", "a/.hidden.png", "b/0.png", "empty/.x")
    contents = read_contents(tmp_path)
    assert contents.splits["train"].labels == ["a", "b"]
    assert contents.skipped == (
        ("empty", "an empty folder"),
        ("0.png", "an image beside class folders, without a class"),
    )


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["3_{n}", "7_{n}"], [3, 7]),
        (["cat-{n:03}", "dog-{n:03}"], ["cat", "dog"]),
        (["cat.{n}", "dog.{n}"], ["cat", "dog"]),
        (["cat ({n})", "dog ({n})"], ["cat", "dog"]),
        (["cat{n}", "dog{n}"], ["cat", "dog"]),
        (["a_b_{n}", "a_c_{n}"], ["a_b", "a_c"]),
        (["{n}_cat", "{n}_dog"], ["cat", "dog"]),
        (["{n:05}_3", "{n:05}_7"], [3, 7]),
    ],
)
@pytest.mark.parametrize("place", ["", "archive/flat/", "train/"])
def test_labels_in_file_names(tmp_path, names, wanted, place):
    files = [name.format(n=12 + n) for n in range(40) for name in names]
    touch(tmp_path, *(f"{place}{name}.png" for name in files))
    assert set(labels(tmp_path)["train"]) == set(wanted)
    assert "label: the file names are " in summary(tmp_path)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([f"IMG_{n}.png" for n in range(9)], "names such as IMG_0.png contain no label; put"),
        ([f"{kind}_{n}.png" for n in range(9) for kind in ("IMG", "DSC")], "contain no label"),
        ([f"2023010{n % 3}_{n:06}.png" for n in range(30)], "contain no label; put the images"),
        ([f"{n}.png" for n in range(9)], "contain no label; put the images of each class into"),
        ([f"{n // 5}_{n % 5}.png" for n in range(25)], "may mean LABEL_NUMBER or NUMBER_LABEL"),
        (["train/0.png", "test/0.png"], "test and train contain no class folders; put the images"),
        (
            ["archive/data/train/a/0.png", "archive/data/test/a/0.png", "flat/1.png"],
            "contains archive and flat, and {root}/archive/data has folders for training and",
        ),
        (
            [f"{top}/{label}/0.png" for top in ("set1", "set2") for label in "abc"],
            "set1 and set2 both contain the folders a, b, c; if these are the classes, give one",
        ),
        (
            [f"{top}/{label}/0.png" for top in ("train_clean", "train_noisy") for label in "ab"],
            "train_clean and train_noisy may all be training images; move all but one of them",
        ),
        (
            ["examples/1.png", *(f"data/{label}/0.png" for label in "abc")],
            "examples contains images, but data contains the folders a, b, c; if these are the c",
        ),
        (["a.zip", "notes.txt"], "a.zip is an archive, which cannot be read; unpack it and give"),
        (["raw/x.npz"], "contains no images, but {root}/raw/x.npz; give this file or its folder"),
    ],
)
def test_unclear_folders_are_refused_with_a_sentence(tmp_path, files, sentence):
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=re.escape(sentence.replace("{root}", str(tmp_path)))):
        list_images(tmp_path)


def test_files_are_images_by_their_content_if_their_names_do_not_say_so(tmp_path):
    touch(tmp_path, "a/0.png", "b/0.png", "b/notes", "b/data.bin")
    Image.new("L", (4, 4)).save(tmp_path / "a" / "scan", "WEBP")
    contents = read_contents(tmp_path)
    assert [path.name for path in contents.splits["train"].paths] == ["0.png", "scan", "0.png"]
    assert contents.skipped == (("b/data.bin", "not an image"), ("b/notes", "not an image"))


def test_unsupported_files_are_counted_if_there_are_no_images(tmp_path):
    touch(tmp_path, "a/0.psd", "a/1.psd", "b/0.XCF", "b/0.psd")
    sentence = (
        "contains no images, but 4 files of unsupported formats (.psd, .xcf); "
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


def test_a_test_folder_of_images_named_by_letter_and_a_copy_of_all_beside_the_splits(tmp_path):
    for root in ("x/", "x/x/"):
        touch(tmp_path, *(f"{root}{s}/{k}/0.png" for s in ("train", "val", "test") for k in "ab"))
    contents = read_contents(tmp_path)
    assert list(contents.splits) == ["train", "validation", "test"]
    assert contents.skipped == (("x/x", "a folder of 6 images beside the splits"),)
    assert contents.summary.startswith("in x: training images in train, validation images in val")
