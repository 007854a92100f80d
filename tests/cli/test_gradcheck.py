import json
import re
from pathlib import Path

import pytest

from handgrad.gradient_check import autograd
from handgrad.gradient_check import finite_differences as differences
from tests.extras import needs

LAYER = """
class Double:
    def init(self, shape, rng):
        return {}, shape

    def forward(self, params, X, ctx):
        return 2 * X, None

    def backward(self, params, cache, dY):
        return FACTOR * dY, {}
"""


@pytest.fixture
def layer(tmp_path):
    def write(factor):
        (tmp_path / "mine.py").write_text(LAYER.replace("FACTOR", factor))
        return "mine.py:Double"

    return write


def test_all_cases_of_a_layer_class(handgrad):
    needs("torch")
    ended = handgrad("gradcheck", "Flatten")
    assert (ended.status, ended.err) == (0, "")
    assert re.search(
        r"largest error of +differences +autograd +float32 +linearity +large inputs +verdict",
        ended.out,
    )
    assert re.search(
        r"flatten +\d\.\de-1\d +0\.0e\+00 +0\.0e\+00 +\d\.\de-1\d +\d\.\de-\d\d +right", ended.out
    )
    assert "24 of 24 comparisons passed; 96 of 96 mutated gradients were rejected" in ended.out


def test_a_model_with_all_its_gradients(handgrad):
    needs("torch")
    ended = handgrad("gradcheck", "softmax-regression")
    assert (ended.status, ended.err) == (0, "")
    assert "softmax-regression, training" in ended.out
    assert re.search(
        r"gradient of +differences +autograd +float32 +golden +linearity +worst at", ended.out
    )
    assert re.search(r"1\.weight( +\d\.\de-\d\d){5} +\d,\d+ +\S+ +\S+ +right", ended.out)


def test_a_narrow_terminal_shows_the_oracle_nearest_to_its_bound(handgrad, monkeypatch):
    monkeypatch.setattr("handgrad.cli.screen.WIDE", 80)
    ended = handgrad("gradcheck", "tanh")
    assert re.search(r"gradient of +oracle +error +bound +verdict", ended.out)
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_a_run_is_checked_at_its_own_arrays(handgrad, trained):
    ended = handgrad("gradcheck", trained, "--json")
    assert ended.status == 0
    found = json.loads(ended.out)
    assert found["ok"]
    assert [report["training"] for report in found["reports"]] == [True, False]
    gradients = found["reports"][0]["gradients"]
    assert {g["tensor"] for g in gradients} == {"X", "1.weight", "1.bias"}
    assert all(g["error"] <= g["bound"] for g in gradients)


def test_a_user_layer(handgrad, layer):
    assert handgrad("gradcheck", layer("2")).status == 0
    ended = handgrad("gradcheck", layer("-2"), "--shape", "2x3x4", "--batch", "3")
    assert (ended.status, ended.err) == (
        1,
        "" if autograd.is_available() else f"{autograd.MISSING}\n",
    )
    assert "likely cause (X): the sign is wrong" in ended.out
    assert re.search(r"first wrong element \(X\): \[0,0,0,0\] is \S+, but should be \S+", ended.out)


def test_a_wrong_layer_as_json(handgrad, layer):
    ended = handgrad("gradcheck", layer("float('nan')"), "--json")
    assert ended.status == 1
    (report, _) = json.loads(ended.out)["reports"]
    (gradient,) = report["gradients"]
    assert gradient["error"] is None
    assert gradient["first"]["ours"] is None
    assert report["causes"][0]["name"] == "not finite"


def test_zero_gradients_are_not_proven(handgrad, layer):
    path = layer("0")
    (file := Path("mine.py")).write_text(file.read_text().replace("2 * X", "0 * X"))
    ended = handgrad("gradcheck", path)
    assert ended.status == 1
    assert re.search(r" X +0.0e\+00 .* not proven", ended.out)
    assert "not proven: all gradients are zero" in ended.out
    assert "0 of 0 mutated gradients were rejected" in ended.out
    found = json.loads(handgrad("gradcheck", path, "--json").out)
    assert found["ok"] is False
    assert [report["verdict"] for report in found["reports"]] == 2 * ["not proven"]


def test_a_broken_check_is_reported(handgrad, monkeypatch):
    monkeypatch.setattr(differences, "BOUND", 10.0)
    ended = handgrad("gradcheck", "flatten-flat")
    assert ended.status == 1
    assert (
        "error: the check itself is broken: the oracle differences accepted the gradient of X in "
        "flatten-flat, zeroed\n"
    ) in ended.err


def test_without_torch_a_note_says_what_to_install(handgrad, monkeypatch):
    monkeypatch.setattr(autograd, "find_spec", lambda _: None)
    ended = handgrad("gradcheck", "Tanh")
    assert ended.status == 0
    assert "pip install 'handgrad[torch]'" in ended.err
    assert "autograd" not in ended.out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["convnat"], 2, "there is no model, layer or run 'convnat'; did you mean convnet?"),
        (["mine.py:Other"], 1, "mine.py has no class 'Other'; its layers are Double"),
        (
            ["mine.py:Double", "--shape", "3xx"],
            2,
            "--shape must be one or more sizes, such as 5 or 3x6x8",
        ),
        (
            ["mine.py"],
            2,
            "name a layer in mine.py, such as mine.py:Double; its layers are Double",
        ),
        (["mine.py:Double", "--args", "[1]"], 2, "mine.py: Double takes the arguments ()"),
        (["mine.py:Double", "--args", "{"], 2, "--args must be JSON"),
    ],
)
def test_wrong_use(handgrad, layer, words, status, sentence):
    layer("2")
    ended = handgrad("gradcheck", *words)
    assert (ended.status, ended.out) == (status, "")
    assert sentence in ended.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("dense", "--shape", "9"), "--shape can only be used with FILE.py:LAYER, not with dense"),
        (
            ("convnet", "--args", "{}", "--batch", "7"),
            "--args and --batch can only be used with FILE.py:LAYER",
        ),
        (("", "--shape", ""), "name a target, such as convnet, Conv2d or mine.py:Softplus"),
        ((" ",), "name a target"),
    ],
)
def test_options_that_do_not_apply_are_refused(handgrad, words, sentence):
    ended = handgrad("gradcheck", *words)
    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err


def test_errors_at_large_inputs_are_reported_as_such(handgrad):
    file = Path(__file__).parent.parent / "gradient_check" / "layers" / "wrong.py"
    ended = handgrad("gradcheck", f"{file}:ForgottenTop")
    assert ended.status == 1
    assert re.search(
        r"first wrong element \(X\): \[\d,\d\] is \S+, but should be \S+, at large inputs",
        ended.out,
    )
    tiny = handgrad("gradcheck", f"{file}:TinyBias")
    assert tiny.status == 1
    assert (
        "not proven (b): the output depends on this array, but its gradient is so small" in tiny.out
    )
    nearly = handgrad("gradcheck", f"{file}:NearlyRight")
    assert re.search(r"is (\S{9,}), but should be (?!\1)\S{9,}", nearly.out)
