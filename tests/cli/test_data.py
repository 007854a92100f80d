import re
from pathlib import Path

import pytest
from PIL import Image

from handgrad.data import SOURCES


def test_list_names_all_and_where_they_lie(handgrad, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = handgrad("data", "list")
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"digits +1,438 +359 +10 +1x8x8 +in scikit-learn", ended.out)
    for name in SOURCES.keys() - {"digits"}:
        assert re.search(
            rf"^ {name} +60,000 +10,000 +10 +1x28x28 +not here", ended.out, re.MULTILINE
        )


def test_digits_need_no_fetching(handgrad):
    assert handgrad("data", "fetch", "digits").out == (
        "digits comes with scikit-learn; there is nothing to fetch\n"
    )
    assert handgrad("data", "verify", "digits").out == (
        "digits comes with scikit-learn; there are no files to verify\n"
    )


def test_fetch_prints_the_folder_where_the_data_lies(handgrad, tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.data.fetch", lambda name, **_: tmp_path / name)
    assert handgrad("data", "fetch", "mnist", "-q") == (0, f"{tmp_path / 'mnist'}\n", "")


def test_verify_names_each_file_and_fails_where_one_is_not_right(handgrad, tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for file in SOURCES["mnist"].files:
        (folder / file.name).write_bytes(b"\0\0\x08\x01")
    ended = handgrad("data", "verify", "mnist", "--folder", tmp_path)
    assert ended.status == 1
    assert ended.out.splitlines() == [
        f"wrong   {folder / file.name}" for file in SOURCES["mnist"].files
    ]
    assert ended.err == (
        "error: 4 of the 4 files of mnist cannot be trusted; remove them and run "
        "`handgrad data fetch mnist`\n"
    )


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


@pytest.mark.parametrize("command", ["fetch", "verify", "show"])
def test_unknown_data_is_refused_with_the_nearest(handgrad, command):
    ended = handgrad("data", command, "nmist")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "error: there is no data called 'nmist'; did you mean mnist?\n"


def test_show_takes_only_figures_that_can_be_written(handgrad, tmp_path):
    ended = handgrad("data", "show", "digits", "--out", "a.txt")
    assert (ended.status, ended.out) == (2, "")
    assert "must end in .png or .svg" in ended.err
    assert list(tmp_path.iterdir()) == []
