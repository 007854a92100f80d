from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data.formats.reader import TEST, TRAIN, Contents, FileList, ImagesAndLabels
from handgrad.pixel_range import BYTES
from handgrad.prediction import ImageFiles, ImageRows, find_images, known_labels, merged, sources

X = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
MODEL = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 4, 4), 10), pixel_range=BYTES)


def save(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[0]).save(path)


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(path):
    found = find_images(Path(path), MODEL)
    assert all(isinstance(source, ImageFiles) for source in found.sources)
    names = [str(path) for source in found.sources for path in source.paths]
    return dict(zip(names, [k for s in found.sources for k in s.labels], strict=True))


def rows(path):
    found = find_images(Path(path), MODEL)
    assert all(isinstance(source, ImageRows) for source in found.sources)
    names = [name for source in found.sources for name in source.names]
    return dict(zip(names, [k for s in found.sources for k in s.labels], strict=True))


def test_a_file_is_an_image_by_its_name_or_its_content():
    save("a.png")
    Path("a.png").rename("b")
    Path("broken.png").write_text("hello")
    assert files("b") == {"b": None}
    assert files("broken.png") == {"broken.png": None}


def test_class_folders_give_the_labels():
    save("d/cat/1.png", "d/dog/2.png", "d/dog/more/3.png")
    assert files("d") == {"d/cat/1.png": "cat", "d/dog/2.png": "dog", "d/dog/more/3.png": "dog"}


def test_all_splits_of_a_folder_are_found():
    save("d/train/3/1.png", "d/test/4/2.png")
    assert files("d") == {"d/test/4/2.png": 4, "d/train/3/1.png": 3}


def test_images_beside_class_folders_are_found_as_well():
    save("d/cat/1.png", "d/x.png", "d/.hidden.png")
    assert files("d") == {"d/cat/1.png": "cat", "d/x.png": None}


def test_a_flat_folder_is_found_and_other_files_are_reported():
    save("d/a.png", "d/b.png")
    Path("d/notes.txt").write_text("hello")
    assert set(files("d")) == {"d/a.png", "d/b.png"}
    assert find_images(Path("d"), MODEL).skipped == [("d/notes.txt", "not an image")]


def test_a_folder_without_images_is_an_error():
    Path("d").mkdir()
    with pytest.raises(hg.DataError, match="d contains no images; give a folder"):
        find_images(Path("d"), MODEL)


def test_a_table_of_files_lists_them():
    save("d/a.png", "d/b.png")
    Path("d/metadata.csv").write_text("file_name,label\na.png,cat\nb.png,dog\n")
    assert files("d") == {"d/a.png": "cat", "d/b.png": "dog"}


def test_rows_of_arrays_are_named_by_their_index():
    np.savez("a.npz", x_train=X, y_train=["cat", "dog", "cat"])
    assert rows("a.npz") == {"0": "cat", "1": "dog", "2": "cat"}
    (source,) = find_images(Path("a.npz"), MODEL).sources
    assert source.images.shape == (3, 1, 4, 4)


def test_rows_of_several_splits_are_named_by_split_and_index():
    np.savez("a.npz", x_train=X, y_train=[0, 1, 1], x_test=X[:1], y_test=[1])
    assert rows("a.npz") == {"train:0": 0, "train:1": 1, "train:2": 1, "test:0": 1}


def test_a_table_is_not_mixed_with_the_table_beside_it():
    for name, label in (("train.csv", 0), ("test.csv", 1)):
        Path(name).write_text(
            f"label,{','.join(f'p{i}' for i in range(16))}\n{label}" + ",207" * 16
        )
    assert rows("train.csv") == {"0": 0}
    assert rows("test.csv") == {"0": 1}


def test_all_rows_of_one_table_are_found_whatever_their_split():
    head = f"label,Usage,{','.join(f'p{i}' for i in range(16))}\n"
    lines = [f"{k},{split}{',207' * 16}\n" for k, split in enumerate(["Training", "PublicTest"])]
    Path("faces.csv").write_text(head + "".join(lines))
    assert rows("faces.csv") == {"train:0": 0, "validation:0": 1}


ARRAYS = ImagesAndLabels(X, np.array([3, 4, 3]))
WITHOUT_LABELS = ImagesAndLabels(X[:2], np.array([], np.int64))


@pytest.mark.parametrize(
    ("file", "contents", "expected"),
    [
        ("test.csv", Contents({}, WITHOUT_LABELS), {"0": None, "1": None}),
        ("train.csv", Contents({TRAIN: ARRAYS}, WITHOUT_LABELS), {"0": 3, "1": 4, "2": 3}),
        ("a.npz", Contents({TRAIN: ARRAYS}, WITHOUT_LABELS), {"0": None, "1": None}),
        ("folder", Contents({TRAIN: ARRAYS}, WITHOUT_LABELS), {"0": None, "1": None}),
        ("t.csv", Contents({}, FileList([Path("a.png")], [])), {"a.png": None}),
        (
            "t.csv",
            Contents({TRAIN: FileList([Path("a")], [1]), TEST: FileList([Path("b")], [2])}),
            {"a": 1, "b": 2},
        ),
    ],
)
def test_unlabelled_images_are_found(monkeypatch, file, contents, expected):
    Path(file).mkdir() if file == "folder" else Path(file).touch()
    Path(file).with_name("test.csv").touch()
    monkeypatch.setattr(sources, "read_contents", lambda _: contents)
    monkeypatch.setattr(sources, "READERS", [type("Any", (), {"accepts": lambda _: True})])
    found = find_images(Path(file), MODEL)
    names = [
        name
        for source in found.sources
        for name in (source.names if isinstance(source, ImageRows) else map(str, source.paths))
    ]
    labels = [label for source in found.sources for label in source.labels]
    assert dict(zip(names, labels, strict=True)) == expected
    assert len(found.notes) == (file in ("a.npz", "folder"))


def test_only_class_names_are_known_labels():
    found = [ImageFiles([Path("a")] * 4, ["7", 7, "seven", None])]
    assert known_labels(found, (7, 8))[0].labels == [7, 7, None, None]
    assert known_labels(found, ("7", "8"))[0].labels == ["7", "7", None, None]


def test_the_rest_begins_in_the_middle_of_any_source():
    found = [
        ImageFiles([Path("a"), Path("b")], [1, 2]),
        ImageRows(X[:, None], ["0", "1", "2"], [3, 4, 5]),
        ImageFiles([Path("c")], [6]),
    ]
    for start in range(7):
        rest = sources.rest_of(found, start)
        assert [label for source in rest for label in source.labels] == [1, 2, 3, 4, 5, 6][start:]
    assert np.array_equal(sources.rest_of(found, 3)[0].images[0, 0], X[1])


def test_image_files_one_after_another_are_merged():
    a, b = (ImageFiles([Path(name)], [name]) for name in "ab")
    row = ImageRows(X[:, None], ["0", "1", "2"], [1, 2, 3])
    both = ImageFiles([Path("a"), Path("b")], ["a", "b"])
    assert merged([a, b, row, a, b, a][:4]) == [both, row, a]
    assert (a.paths, b.paths) == ([Path("a")], [Path("b")])
