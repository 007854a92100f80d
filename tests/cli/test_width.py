"""At 80 columns, no output is wider than the terminal, and no word or number is cut."""

import inspect
import re
import shutil

import pytest
from PIL import Image

from tests.cli.test_app import COMMANDS

LINES = [
    *("models", "data list", "data check images", "plan softmax-regression", "plan convnet"),
    *("evaluate {run}", "predict {run} 0 1 2", "verify {run}", "calibrate {run}"),
    *("gradcheck Dense", "gradcheck softmax-regression", "explain-step {run} --image 3"),
    "train --model softmax-regression --epochs 2 --no-figures",
    "compare-engines two-layer --steps 2 --engines reference,compiled --dtype float32",
    "evaluate a-run-with-a-rather-long-name-that-does-not-exist-in-this-folder",
    "train images --model nothing",
    "data show images --augment drawings",
]


def printed(text):
    """Return the lines that a terminal shows, without colours and overwritten progress bars."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line.split("\r")[-1].rstrip() for line in plain.splitlines()]


@pytest.fixture
def terminal(monkeypatch):
    for name, value in (("COLUMNS", "80"), ("FORCE_COLOR", "1"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("line", LINES)
def test_output_fits_80_columns(handgrad, trained, tmp_path, line):
    for number in range(4):
        folder = tmp_path / "images" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * number).save(folder / f"{number}.png")
    run = shutil.copytree(trained, tmp_path / "run")  # `calibrate` changes it
    words = line.format(run=run.name).split()
    ended = handgrad(*words)
    wide = [text for text in printed(ended.out + ended.err) if len(text) > 80]
    assert wide == []
    assert "…" not in ended.out + ended.err


def test_every_command_that_prints_a_table_is_checked():
    checked = {tuple(w for w in line.split()[:2]) for line in LINES}
    tables = ["models", "plan", "evaluate", "predict", "verify", "gradcheck", "train"]
    for name in tables:
        assert (name,) in COMMANDS
        assert any(words[0] == name for words in checked)


@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_no_line_of_a_help_text_is_wrapped_twice(words):
    """Rich keeps the line breaks of a docstring and breaks a line of more than 78 characters."""
    for paragraph in inspect.cleandoc(COMMANDS[words].help or "").split("\n\n"):
        lines = paragraph.splitlines()
        assert len(lines) == 1 or max(map(len, lines[:-1])) <= 78


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_help_fits_80_columns(handgrad, words):
    out = handgrad(*words, "--help").out
    assert all(len(line) <= 80 for line in printed(out))
    assert "…" not in out
