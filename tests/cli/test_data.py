import dataclasses
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.data import SOURCES
from handgrad.data.folders import cache_folder


def test_list_names_all_data_and_its_folder(handgrad, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = handgrad("data", "list")
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"digits +1,438 +359 +10 +1x8x8 +in scikit-learn", ended.out)
    for name in SOURCES.keys() - {"digits"}:
        assert re.search(
            rf"^ {name} +60,000 +10,000 +10 +1x28x28 +not here", ended.out, re.MULTILINE
        )


def test_list_prints_folders_below_the_table(handgrad, data_in_cache, monkeypatch):
    folder = data_in_cache("kmnist", [RIGHT] * 4)
    ended = handgrad("data", "list")
    assert re.search(r"^ kmnist +.* in a folder", ended.out, re.MULTILINE)
    assert ended.out.endswith(f"\nkmnist is in {folder}\n")
    monkeypatch.setenv("HANDGRAD_DATA", "/nowhere")
    ended = handgrad("data", "list")
    assert "\nmnist is not here: HANDGRAD_DATA is /nowhere, which is not a folder" in ended.out


def test_list_as_json(handgrad, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = handgrad("data", "list", "--json")
    listed = json.loads(ended.out)
    assert (ended.status, listed["version"], listed["ok"]) == (0, 1, True)
    assert [entry["name"] for entry in listed["data"]] == list(SOURCES)
    assert listed["data"][0]["shape"] == [1, 8, 8]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("data/pet", "; did you mean data/pets?; data contains digits.npz, pets; give"),
        ("data/xyz", "data/xyz; data contains digits.npz, pets; give"),
        ("pots", "did you mean the folder pets?; this folder contains data, pets"),
        ("zzz", "there are digits, mnist, fashion-mnist, kmnist; this folder contains data, pets"),
    ],
)
def test_a_mistyped_folder_lists_what_exists(handgrad, tmp_path, monkeypatch, given, hint):
    monkeypatch.chdir(tmp_path)
    for folder in ("data/pets", "data/.hidden", "pets"):
        Path(folder).mkdir(parents=True)
    for file in ("data/digits.npz", "data/notes.txt"):
        Path(file).touch()
    ended = handgrad("data", "show", given)
    assert ended.status in (1, 2)
    assert hint in ended.err


def test_digits_need_no_fetching(handgrad):
    assert handgrad("data", "fetch", "digits").out == (
        "digits comes with scikit-learn; there is nothing to fetch\n"
    )
    assert handgrad("data", "check-files", "digits").out == (
        "digits comes with scikit-learn; there are no files to check\n"
    )


def test_fetch_prints_the_folder(handgrad, tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.data.fetch", lambda name, **_: tmp_path / name)
    assert handgrad("data", "fetch", "mnist", "-q") == (0, f"{tmp_path / 'mnist'}\n", "")


RIGHT, OTHER, BROKEN, PLAIN = b"\x1f\x8bpublished", b"\x1f\x8bother", b"\x1f\x8b", b"\0\0\x08\x01"


@pytest.fixture
def data_in_cache(tmp_path, monkeypatch):
    """Return a function that writes the four files of a data set; None leaves a file out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def write(name, contents, published=hashlib.sha256(RIGHT).hexdigest()):
        source = SOURCES[name]
        files = tuple(dataclasses.replace(file, sha256=published) for file in source.files)
        monkeypatch.setitem(SOURCES, name, dataclasses.replace(source, files=files))
        folder = cache_folder() / name
        folder.mkdir(parents=True)
        for file, content in zip(files, contents, strict=True):
            if content is not None:
                (folder / f"{file.name}.gz").write_bytes(content)
        return folder

    return write


@pytest.mark.parametrize(
    ("name", "contents", "states", "sentence"),
    [
        ("kmnist", [RIGHT] * 4, "right right right right", ""),
        (
            "mnist",
            [None] * 4,
            "missing missing missing missing",
            "error: mnist: 4 of 4 files are missing; run `handgrad data fetch mnist`\n",
        ),
        (
            "kmnist",
            [RIGHT, OTHER, RIGHT, None],
            "right wrong right missing",
            "error: kmnist: 1 of 4 files differ from the published ones; remove the wrong or "
            "broken files and run `handgrad data fetch kmnist`\n",
        ),
        (
            "mnist",
            [BROKEN, PLAIN, BROKEN, None],
            "broken wrong broken missing",
            "error: mnist: 3 of 4 files differ from the published ones; remove the wrong or broken "
            "files and run `handgrad data fetch mnist`\n",
        ),
        (
            "kmnist",
            [PLAIN, RIGHT, RIGHT, PLAIN],
            "unknown right right unknown",
            "2 of 4 files cannot be checked: they are unzipped, and only the SHA-256 digests "
            "of the .gz files are published\n",
        ),
    ],
)
def test_check_files_names_each_file_and_the_remedy(
    handgrad, data_in_cache, name, contents, states, sentence
):
    folder = data_in_cache(name, contents)
    ended = handgrad("data", "check-files", name)
    assert ended.out.splitlines() == [
        f"{state:<8}{folder / file.name}.gz"
        for state, file in zip(states.split(), SOURCES[name].files, strict=True)
    ]
    assert ended.err == sentence
    assert ended.status == int(sentence.startswith("error"))


@pytest.mark.parametrize(
    ("words", "file"), [([], "digits-examples.png"), (["--out", "a/b.svg"], "a/b.svg")]
)
def test_show_counts_the_classes_and_draws_examples(handgrad, words, file):
    ended = handgrad("data", "show", "digits", *words)
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"^ 0 +142 +36 *$", ended.out, re.MULTILINE)
    assert re.search(r"^ total +1,438 +359 *$", ended.out, re.MULTILINE)
    assert ended.out.endswith(f"; CC BY 4.0\nexamples in {file}\n")
    if file.endswith("png"):
        with Image.open(file) as image:
            image.load()
    else:
        assert "<svg" in Path(file).read_text()


def test_show_draws_augmented_images(handgrad):
    ended = handgrad("data", "show", "digits", "--augment", "fashion", "--out", "a/b.png")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith(
        "examples in a/b.png\naugmented by shift=0.07,flip=true\n"
        "augmented examples in a/digits-augmented.png\n"
    )
    with Image.open("a/digits-augmented.png") as image:
        image.load()
        assert image.width > 1000
    ended = handgrad("data", "show", "digits", "--augment", "light,spin=3")
    assert (ended.status, ended.out) == (2, "")
    assert "there is no setting 'spin'" in ended.err


@pytest.mark.parametrize("place", ["own", "own/", "./own/a/..", "own.npz"])
def test_show_draws_user_data_to_the_current_folder(handgrad, tmp_path, monkeypatch, place):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder_with_a_duplicate(tmp_path / "in" / "own")
    X = np.random.default_rng(0).integers(0, 256, (20, 9, 9), np.uint8)
    np.savez(tmp_path / "in" / "own.npz", x=X, y=np.array(["a", "b"] * 10))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    drawn = []
    monkeypatch.setattr("handgrad.plots.save", lambda _, file: drawn.append(file))
    ended = handgrad("data", "show", f"../in/{place}", "--augment", "light")
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"^ a +8 +2 *$", ended.out, re.MULTILINE)
    assert drawn == [Path("own-examples.png"), Path("own-augmented.png")]


def test_show_draws_rare_and_missing_classes(handgrad, monkeypatch):
    train, test = hg.load_data("digits")
    order = [np.flatnonzero(train.labels == k)[:n] for k, n in ((0, 9), (1, 2), (4, 1))]
    few = train.take(np.concatenate(order))
    drawn = []
    monkeypatch.setattr("handgrad.data.load_data", lambda *_, **__: (few, test))
    monkeypatch.setattr("handgrad.plots.images", lambda X, y, _: drawn.append((X, y)))
    monkeypatch.setattr("handgrad.plots.save", lambda *_: None)
    ended = handgrad("data", "show", "digits")
    assert (ended.status, ended.err) == (0, "")
    ((X, y),) = drawn
    assert y.tolist() == [0, 1, 4, 0, 1, 0, 0, 0, 0]
    assert np.array_equal(X[2], few.images[-1])
    assert re.search(r"^ 9 +0 +36 *$", ended.out, re.MULTILINE)


@pytest.mark.parametrize("command", ["fetch", "check-files", "show"])
def test_unknown_data_is_rejected_with_a_suggestion(handgrad, command):
    ended = handgrad("data", command, "nmist")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "error: there is no data set called 'nmist'; did you mean mnist?\n"


def test_show_rejects_other_figure_formats(handgrad, tmp_path):
    ended = handgrad("data", "show", "digits", "--out", "a.txt")
    assert (ended.status, ended.out) == (2, "")
    assert "must end in .png or .svg" in ended.err
    assert list(tmp_path.iterdir()) == []


def folder_with_a_duplicate(root):
    rng = np.random.default_rng(0)
    for label in "ab":
        (root / label).mkdir(parents=True)
        for n in range(10):
            Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).save(root / label / f"{n}.png")
    return root


def test_check_prints_problems_and_remedies(handgrad, tmp_path):
    root = folder_with_a_duplicate(tmp_path / "own")
    ended = handgrad("data", "check", root)
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"^ a +10 +1\.0 *$", ended.out, re.MULTILINE)
    assert ended.out.endswith("no problems found\n")

    (root / "b/0.png").write_bytes((root / "a/0.png").read_bytes())
    ended = handgrad("data", "check", root)
    assert (ended.status, ended.err) == (1, "")
    assert "error: duplicate with two labels\n" in ended.out
    assert (
        "1 image is the same as an image of another class; keep each image in only one class\n"
        in ended.out
    )
    assert f"{root / 'a/0.png'} and {root / 'b/0.png'}" in ended.out


def test_check_as_json(handgrad, tmp_path):
    root = folder_with_a_duplicate(tmp_path / "own")
    (root / "b/0.png").write_bytes(b"")
    ended = handgrad("data", "check", root, "--json", "-q")
    told = json.loads(ended.out)
    assert (ended.status, told["version"], told["ok"]) == (1, 1, False)
    assert told["images"] == {"train": {"a": 10, "b": 9}}
    assert [issue["kind"] for issue in told["issues"]] == ["empty file", "few images"]
    assert told["issues"][0]["files"] == [str(root / "b/0.png")]
    assert handgrad("data", "check", tmp_path / "none").status == 1
