"""A layer that breaks the contract gives an error with its name, the problem and the remedy."""

from pathlib import Path

import pytest

from handgrad.errors import ModelError
from handgrad.gradient_check.check import check
from handgrad.gradient_check.user_layer import load_user_layer

MINE = """
import numpy as np


class Mine:
    BUFFERS
    def init(self, shape, rng):
        INIT

    def forward(self, params, X, ctx):
        FORWARD

    def backward(self, params, cache, dY):
        BACKWARD
"""
RIGHT = {
    "BUFFERS": "",
    "INIT": 'return {"w": rng.normal(size=shape[0])}, shape',
    "FORWARD": 'return params["w"] * X, X',
    "BACKWARD": 'return params["w"] * dY, {"w": (dY * cache).sum(axis=0)}',
}
W = '"w": rng.normal(size=shape[0])'
DX, DW = 'params["w"] * dY', "(dY * cache).sum(axis=0)"


def place(folder: Path, **changed: str) -> str:
    text = MINE
    for part, line in (RIGHT | changed).items():
        text = text.replace(part, line)
    (folder / "mine.py").write_text(text)
    return f"{folder / 'mine.py'}:Mine"


INIT = [
    ("pass", "init must return two values, a dict of arrays by name, and the shape of the output"),
    (f"return {{{W}}}", "init must return two values, .*, not dict"),
    (f"return shape, {{{W}}}", "init must return a dict of arrays by name, not a tuple of 1"),
    ("return {0: np.ones(5)}, shape", "init names an array 0; use a string as its name"),
    (
        'return {"w": [1.0] * 5}, shape',
        "init returns w as a list of 5; make it a float64 array",
    ),
    ('return {"w": rng.random()}, shape', "init returns w as float; make it a float64 array"),
    ('return {"w": None}, shape', "init returns w as None; make it a float64"),
    ('return {"w": np.array(["a"])}, shape', r"w as an array of <U1 \(1,\); make it a float64"),
    ('return {"w": np.zeros(0)}, shape', "with at least one element"),
    ('return {"w": np.full(5, np.nan)}, shape', "init returns NaN or infinity in w"),
    (f"return {{{W}}}, 5", r"as a tuple of whole numbers, such as \(5,\), not 5"),
    (f"return {{{W}}}, [5]", r"as a tuple of whole numbers, such as \(5,\), not \[5\]"),
    (f"return {{{W}}}, (None, 5)", r"as a tuple of whole numbers, .*, not \(None, 5\)"),
    (f"return {{{W}}}, (9,)", r"Y as \(7, 5\), but .* one example is \(9,\); return the same"),
]
FORWARD = [
    ("pass", "forward must return two values, Y, and a cache for backward, not None"),
    ("return X", r"forward must return two values, .*, not an array of float64 \(7, 5\)"),
    ("return X, X, X", "forward must return two values, .*, not a tuple of 3"),
    ("yield X", "forward must return two values, .*, not generator"),
    (
        "return X.tolist(), X",
        "forward returns Y as a list of 7, but X is an array of float64; return",
    ),
    ("return None, X", "forward returns Y as None, but"),
    ("return X.sum(), X", "forward returns Y as a single float64, but X is an array"),
    ("return X > 0, X", r"Y as an array of bool \(7, 5\), .*; return an array of X's dtype"),
    ("return X.astype(np.float32), X", r"Y as an array of float32 \(7, 5\), but"),
    ("return X[0], X", r"Y as \(5,\), but init says .* with the batch axis first"),
    ("return X + np.nan, X", "NaN or infinity for an X between -1.7 and 1.7; make"),
    ("X *= 0; return X, X", "forward modifies X; modify a copy instead"),
    ("np.clip(X, -1, 1, out=X); return X, X", "forward modifies X; modify a copy"),
    ('params["w"][:] = 1; return X, X', "forward modifies w; modify a copy instead"),
    (
        'params["n"] = X; return X, X',
        "forward adds or removes arrays in params; do not modify params",
    ),
    ('assert ctx.training, "so"; return X, X', "line 11, in forward: AssertionError: so; correct"),
    ("raise ValueError", r"in forward: ValueError; correct it there; the shape was"),
]
BACKWARD = [
    ("pass", "backward must return two values, dX, and a dict of gradients by name, not None"),
    (f"return {DX}", "backward must return two values"),
    (f"return {DX}, None", "a dict of gradients by name, {} if it has no parameters, not None"),
    (f"return {DX}, [{DW}]", "a dict of gradients by name, .*, not a list of 1"),
    (f"return None, {{'w': {DW}}}", "backward returns dX as None, but dY is an array of float64"),
    (f"return ({DX}).tolist(), {{'w': {DW}}}", "backward returns dX as a list of 7, but dY"),
    (f"return {DX}, {{'w': list({DW})}}", "gradient of w as a list of 5, but dY is an array"),
    (f"return {DX}, {{'w': None}}", "the gradient of w as None, but"),
    (f"return {DX}, {{'w': 3.0}}", "the gradient of w as float, but"),
    (f"return {DX}, {{'w': {DW}.astype('f4')}}", r"as an array of float32 \(5,\), .* dY's dtype"),
    (f"return {DX}, {{'w': {DW}.astype(object)}}", r"as an array of object \(5,\), but"),
    (f"return {DX}, {{'weight': {DW}}}", "a gradient of 'weight', which is not a parameter that"),
    (f"return {DX}, {{'w': {{'a': {DW}}}}}", "a gradient of 'w.a', which is not a parameter"),
    ('dY *= params["w"]; return dY, {}', "backward modifies dY; modify a copy instead"),
    ("cache *= 0; return dY, {}", "backward modifies X; modify a copy instead"),
    ('params["w"] -= 1; return dY, {}', "backward modifies w; modify a copy instead"),
    ("raise SystemExit(0)", "mine.py, line 14, in backward: SystemExit: 0; correct it there"),
    ("raise StopIteration", "mine.py, line 14, in backward: StopIteration; correct it there"),
]


@pytest.mark.parametrize(
    ("part", "line", "sentence"),
    [
        *(("INIT", *case) for case in INIT),
        *(("FORWARD", *case) for case in FORWARD),
        *(("BACKWARD", *case) for case in BACKWARD),
        *(
            ("BUFFERS", f"buffers = {names}", "buffers must be a tuple of names that init returns")
            for names in ('"w"', "True", '("v",)')
        ),
        ("BUFFERS", "buffers = ('w',)", "a gradient of 'w', which is not a parameter that"),
    ],
)
def test_a_broken_contract_gives_a_one_sentence_error(
    tmp_path: Path, part: str, line: str, sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence) as caught:
        load_user_layer(place(tmp_path, **{part: line}))
    said = str(caught.value)
    assert said.startswith(("Mine: ", str(tmp_path / "mine.py")))
    assert "\n" not in said


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "params, X, ctx",
            "params, X",
            r"Mine: forward must take \(params, X, ctx\), not \(params",
        ),
        ("self, shape, rng", "self, shape", r"Mine: init must take \(shape, rng\), not \(shape\)"),
        ("self, params, cache", "params, cache", "Mine: backward must take"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    place(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ModelError, match=sentence):
        load_user_layer(f"{file}:Mine")


def test_a_backward_must_not_write_into_its_cache(tmp_path: Path) -> None:
    back = 'right = (dY * cache["X"]).sum(axis=0); cache["X"] *= 0; return dY, {"w": right}'
    own = place(tmp_path, FORWARD='return params["w"] * X, {"X": 1 * X}', BACKWARD=back)
    with pytest.raises(ModelError, match="Mine: backward modifies array 0 of its cache; modify"):
        load_user_layer(own)


@pytest.mark.parametrize(
    ("back", "sentence"),
    [
        (f"return {DX}, {{}}", "backward returns no gradient of w"),
        (f"return {DX}, {{'w': dY * cache}}", "the sum over axis 0 is missing"),
        (f"return {DX}, {{'w': {DW}.sum()}}", r"its shape is (), but must be (5,)"),
        (f"return {DX}, {{'w': np.zeros(0)}}", r"its shape is (0,), but must be (5,)"),
        (f"return {DX}, {{'w': np.nan * {DW}}}", "NaN or infinity, first at [0]"),
    ],
)
def test_wrong_gradients_are_left_to_the_oracles(tmp_path: Path, back: str, sentence: str) -> None:
    report = check(load_user_layer(place(tmp_path, BACKWARD=back)))
    assert [(f.tensor, f.ok) for f in report.wrong] == [("w", False)]
    assert [cause.sentence for cause in report.causes] == [sentence]


@pytest.mark.parametrize(
    ("changed", "controls"),
    [
        ({}, 8),
        ({"FORWARD": 'return [params["w"] * X, X]'}, 8),
        (
            {
                "INIT": 'return {"w": np.array(2.0)}, shape',
                "BACKWARD": 'return params["w"] * dY, {"w": (dY * cache).sum()}',
            },
            6,  # one number cannot be transposed or shifted
        ),
        (
            {
                "INIT": 'return {"w": rng.normal(size=(3, shape[0])).T}, (3,)',
                "FORWARD": 'return X @ params["w"], X',
                "BACKWARD": 'return dY @ params["w"].T, {"w": cache.T @ dY}',
            },
            8,
        ),
    ],
    ids=["as it should be", "a list of two", "a single number", "an array in Fortran's order"],
)
def test_unusual_layers_are_accepted(
    tmp_path: Path, changed: dict[str, str], controls: int
) -> None:
    report = check(load_user_layer(place(tmp_path, **changed)))
    assert report.ok
    assert len([c for c in report.controls if c.oracle == "differences"]) == controls
