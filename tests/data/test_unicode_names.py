"""Class names that differ only in their Unicode normalization form are one class."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import ClassChange
from handgrad.data.every_split import load_every_split
from handgrad.prediction import ImageRows, known_labels

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
NOTE = f"equal names in several Unicode forms are one class: {NFC!r}"


def write_folder(folder: Path, *names: str) -> None:
    rng = np.random.default_rng(len(names))
    for name in names:
        (folder / name).mkdir(parents=True)
        for n in range(4):
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(folder / name / f"{n}.png")


def test_class_folders_in_both_forms_are_one_class(tmp_path: Path) -> None:
    write_folder(tmp_path, NFC, NFD, "bar")
    train, test = hg.load_data(str(tmp_path))
    assert train.classes == test.classes == ("bar", NFC)
    assert (train.counts + test.counts).tolist() == [4, 8]
    assert NOTE in train.summary


def test_the_splits_of_a_folder_may_have_different_forms(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", NFD, "bar")
    write_folder(tmp_path / "test", NFC, "bar")
    train, test = hg.load_data(str(tmp_path))
    assert train.classes == test.classes == ("bar", NFC)
    assert test.counts.tolist() == [4, 4]


@pytest.mark.parametrize("form", [NFC, NFD])
def test_one_form_needs_no_note(form: str, tmp_path: Path) -> None:
    write_folder(tmp_path, form, "bar")
    train, _ = hg.load_data(str(tmp_path))
    assert train.classes == ("bar", NFC)
    assert "Unicode" not in train.summary


def labels_in_both_forms(count: int = 12) -> list[str]:
    return [("bar", NFC, NFD)[n % 3] for n in range(count)]


def test_labels_in_tables_and_arrays_are_one_class(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 256, (12, 5, 5), np.uint8)
    y = labels_in_both_forms()
    rows = [[label, *map(str, x.ravel())] for label, x in zip(y, X, strict=True)]
    header = ["label", *(f"pixel{n}" for n in range(25))]
    text = "\n".join(",".join(row) for row in [header, *rows])
    (tmp_path / "table.csv").write_text(text, "utf-8")
    np.savez(tmp_path / "arrays.npz", x=X, y=y)
    for name in ("table.csv", "arrays.npz"):
        data = load_every_split(tmp_path / name)
        assert data.classes == ("bar", NFC), name
        assert data.counts.tolist() == [4, 8], name
        assert NOTE in data.summary, name
    data = hg.Dataset.from_arrays(X, y)
    assert (data.classes, data.counts.tolist()) == (("bar", NFC), [4, 8])
    data = hg.Dataset.from_arrays(X, y, classes=[NFD, "bar"])
    assert (data.classes, data.counts.tolist()) == ((NFC, "bar"), [8, 4])
    with pytest.raises(hg.DataError, match="two classes have the name"):
        hg.Dataset.from_arrays(X, y, classes=[NFD, NFC, "bar"])


def test_a_model_with_names_in_the_other_form_knows_the_classes() -> None:
    X, y = np.zeros((4, 5, 5), np.uint8), ["bar", NFC, NFD, NFC]
    network = hg.Network([hg.Flatten(), hg.Dense()], (1, 5, 5), 2)
    old = hg.Classifier(network, ["bar", NFD])  # as older versions stored it
    data = hg.Dataset.from_arrays(X, y)
    assert hg.evaluate(old, data).confusion.sum(axis=1).tolist() == [1, 3]
    assert ClassChange.between(old.classes, data.classes).kept == ("bar", NFC)
    new = old.for_classes(data.classes)
    assert np.array_equal(new.network.params["1"]["weight"], network.params["1"]["weight"])
    (rows,) = known_labels([ImageRows(X[:, None], list("abcd"), [*y])], old.classes)
    assert rows.labels == ["bar", NFD, NFD, NFD]
