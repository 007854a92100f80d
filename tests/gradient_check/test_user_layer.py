"""A layer in a user's file is loaded or rejected with a one-sentence error."""

from pathlib import Path

import pytest

from handgrad.errors import ConfigError, HandgradError, ModelError
from handgrad.gradient_check.check import check
from handgrad.gradient_check.user_layer import BATCH, load_user_layer

SCALE = '''
import numpy as np


class Scale:
    """Y = factor w X        dX = factor w dY        dw = factor Σ dY X"""

    def __init__(self, factor=2.0, sizes=()):
        self.factor = factor
        self.sizes = sizes

    def init(self, shape, rng):
        return {"weight": rng.normal(size=shape[0])}, shape

    def forward(self, params, X, ctx):
        return self.factor * params["weight"] * X, X

    def backward(self, params, cache, dY):
        found = {"weight": self.factor * (dY * cache).sum(axis=0)}
        return self.factor * params["weight"] * dY, found
'''


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.py"
    file.write_text(text)
    return file


def test_a_correct_layer_passes_for_every_element(tmp_path: Path) -> None:
    target = load_user_layer(f"{written(tmp_path, SCALE)}:Scale")
    assert (target.name, target.shape, target.batch) == ("Scale", (5,), BATCH)
    report = check(target)
    assert report.ok
    oracles = [comparison.oracle for comparison in report.comparisons]
    assert oracles == ["differences"] * 2 + ["linearity"] * 2 + ["large inputs"] * 4
    assert len([c for c in report.controls if c.oracle == "differences"]) == 8
    assert len(report.controls) == 32


@pytest.mark.parametrize("args", ['{"factor": 3, "sizes": [1, 2]}', "[3, [1, 2]]"])
def test_arguments_are_json(tmp_path: Path, args: str) -> None:
    target = load_user_layer(f"{written(tmp_path, SCALE)}:Scale", args, (4,), 3)
    assert (target.layer.factor, target.layer.sizes) == (3, (1, 2))
    assert (target.shape, target.batch) == ((4,), 3)


def test_a_layer_for_images_gets_images(tmp_path: Path) -> None:
    text = "from handgrad.layers import MaxPool2d as Mine\n"
    target = load_user_layer(f"{written(tmp_path, text)}:Mine", '{"kernel": 2}')
    assert target.shape == (3, 6, 8)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("import numpy as np", "import nimpy", "mine.py, line 2, in <module>: ModuleNotFound"),
        ("def init", "def int(", r"mine.py, line 12: .*; correct it there"),
        ("class Scale", "class Skale", "mine.py has no class 'Scale'; its layers are Skale"),
        ("def forward", "def foward", "Scale is not a layer; it needs init, forward and backward"),
        ("params[", "parms[", "mine.py, line 16, in forward: NameError: name 'parms'"),
        ("* dY, found", "@ dY, found", "mine.py, line 20, in backward: ValueError: matmul"),
        (
            "self.factor *",
            "np.random.rand() *",
            "forward returns different numbers when it is called",
        ),
        ("X, X\n", "X, X.__imul__(2)\n", "Scale: forward modifies X; modify a copy instead"),
        ('found = {"weight"', 'found = {"w"', "backward returns a gradient of 'w', which is not"),
        (
            "found = {",
            "self.factor += 1; found = {",
            "returns different numbers when it is called again; keep nothing in self",
        ),
    ],
)
def test_an_error_in_a_file_gives_a_one_sentence_error(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    file = written(tmp_path, SCALE.replace(old, new))
    with pytest.raises(ModelError, match=sentence) as caught:
        load_user_layer(f"{file}:Scale")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "args", "kind", "sentence"),
    [
        (
            "mine.py",
            "",
            ConfigError,
            "name a layer in .*mine.py, such as .*mine.py:Scale; its la",
        ),
        ("mine.py:", "", ConfigError, "its layers are Scale$"),
        ("nothing.py", "", ModelError, "nothing.py: there is no such file; pass FILE.py:LAYER"),
        (
            "mine.txt:Scale",
            "",
            ModelError,
            "mine.txt is not a Python file; its name must end in .py",
        ),
        ("mine.py:Scale", "[1, 2, 3]", ConfigError, "Scale takes the arguments .*; correct --args"),
        (
            "mine.py:Scale",
            '{"units": 3}',
            ConfigError,
            r"arguments \(factor=2.0, sizes=\(\)\); correct",
        ),
        ("nothing.py:Scale", "", ModelError, "nothing.py: there is no such file"),
        ("mine.py:Scale", "{", ConfigError, "--args must be JSON, such as"),
        ("mine.py:Scale", "3", ConfigError, "--args must be an object or a list in JSON, not 3"),
        ("mine.py:np", "", ModelError, "mine.py has no class 'np'"),
    ],
)
def test_wrong_arguments_of_the_command_are_refused(
    tmp_path: Path, place: str, args: str, kind: type[HandgradError], sentence: str
) -> None:
    written(tmp_path, SCALE).with_suffix(".txt").touch()
    with pytest.raises(kind, match=sentence):
        load_user_layer(str(tmp_path / place), args)


def test_a_file_that_exits_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "import sys\n\nsys.exit(0)\n")
    with pytest.raises(ModelError, match=r"mine.py, line 3, in <module>: SystemExit: 0"):
        load_user_layer(f"{file}:Scale")


def test_a_forward_that_jumps_everywhere_has_no_slope(tmp_path: Path) -> None:
    text = SCALE.replace('params["weight"] * X, X', "np.sign(np.sin(X * 1e9)), X")
    target = load_user_layer(f"{written(tmp_path, text)}:Scale")
    with pytest.raises(ModelError, match="Scale: forward has no slope at any of 100 points"):
        check(target)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (
            SCALE.replace("factor=2.0, sizes=()", "factor, *, sizes"),
            ConfigError,
            r'Scale takes the arguments \(factor, \*, sizes\); pass.* \'{"factor": 1, "sizes": 1}',
        ),
        (
            SCALE.replace("self.factor = ", 'raise ValueError("no\\nnever") #'),
            ModelError,
            "mine.py, line 9, in __init__: ValueError: no never; correct it there",
        ),
        (
            "from handgrad.layers import Layer as Scale",
            ModelError,
            "Scale is abstract; choose a class",
        ),
        ("Scale = 1", ModelError, "mine.py defines no layer; write a class with init, forward and"),
        ("\0", ModelError, "mine.py: source code string cannot contain null bytes; correct it"),
        (
            SCALE.replace("forward", "foward"),
            ModelError,
            "Scale is not a layer; it needs init, forward and backward, but lacks forward$",
        ),
        (
            SCALE.replace("return {", "C, H, W = shape; return {").replace("params[", "parms["),
            ModelError,
            "line 16, in forward: NameError: name 'parms' .* shape was \\(3, 6, 8\\), use --shape",
        ),
    ],
)
def test_a_class_that_is_not_a_layer(
    tmp_path: Path, text: str, kind: type[HandgradError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        load_user_layer(f"{written(tmp_path, text)}:Scale")
    assert "\n" not in str(caught.value)


def test_output_of_a_file_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SCALE.replace(
        "return self.factor * params", 'print("hello"); return self.factor * params'
    )
    assert check(load_user_layer(f"{written(tmp_path, text)}:Scale")).ok
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hello" in printed.err


def test_an_error_during_the_check_gives_a_one_sentence_error(tmp_path: Path) -> None:
    text = SCALE.replace(
        'return self.factor * params["weight"] * X',
        'assert ctx.seed < 9; return X * params["weight"]',
    )
    target = load_user_layer(f"{written(tmp_path, text)}:Scale")
    with pytest.raises(ModelError, match=r"line 16, in forward: AssertionError; correct it there$"):
        check(target, seed=9)
