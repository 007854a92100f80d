"""`handgrad compare-engines`."""

import json

import pytest

from tests.extras import needs

BOTH = ("--engines", "reference,auto")
FEW = ("two-layer", "digits", "--engines", "reference,torch:cpu", "--steps", 5)


def test_spaces_around_engine_names_are_ignored(handgrad):
    words = ("--engines", " reference , auto", "--steps", 2)
    status, out, _ = handgrad("compare-engines", "two-layer", "digits", *words)
    assert status == 0
    assert "no difference exceeds 1e-09 in 2 steps" in out


def test_it_prints_differences_speed_and_accuracy(handgrad):
    needs("torch")
    status, out, err = handgrad("compare-engines", *FEW)
    assert status == 0
    for word in ("loss", "activations", "gradients", "parameters", "ms per step", "test accuracy"):
        assert word in out
    assert "no difference exceeds 1e-09 in 5 steps" in out
    assert "differences.png" not in err


def test_a_divergence_is_reported_with_exit_status_1(handgrad, tmp_path):
    needs("torch")
    words = ("--dtype", "float32", "--tolerance", "1e-9", "--out", tmp_path / "new", "--json")
    status, out, err = handgrad("compare-engines", *FEW, *words)
    found = json.loads(out)
    assert (status, found.pop("version"), found["ok"]) == (1, 1, False)
    assert found["divergence"]["step"] == 0
    assert found["divergence"]["engine"] == "torch:cpu"
    assert (found["model"], found["data"], found["dtype"]) == ("two-layer", "digits", "float32")
    assert found["steps"] == len(found["differences"]["torch:cpu"]) == 1
    assert json.loads((tmp_path / "new" / "comparison.json").read_text("utf-8")) == found
    assert (tmp_path / "new" / "differences.png").stat().st_size > 10_000
    assert "wrote differences.png and comparison.json to" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--engines", "torch"), "a comparison needs two different engines"),
        (("--engines", "reference,jax"), "there is no engine 'jax'; choose one of"),
        (("--engines", "reference, compiled"), "works in float32 only; add --dtype float32"),
        (("--engines", "reference,compiled", "--tolerance", "nan"), "add --dtype float32"),
        ((*BOTH, "--tolerance", "nan"), "tolerance must be above 0 and finite, not nan"),
        ((*BOTH, "--tolerance", "0"), "tolerance must be above 0 and finite, not 0"),
        ((*BOTH, "--tolerance=-1"), "tolerance must be above 0 and finite, not -1"),
        ((*BOTH, "--tolerance", "inf"), "tolerance must be above 0 and finite, not inf"),
        (("--out", ""), "the name of the output folder is empty; give a name, or . for"),
        (("--optimizer", "adamx"), "did you mean adam?"),
    ],
)
def test_wrong_use_is_refused_with_exit_status_2(handgrad, words, sentence):
    status, _, err = handgrad("compare-engines", "two-layer", "digits", *words)
    assert status == 2
    assert sentence in err


def test_an_error_is_the_first_line(handgrad):
    ended = handgrad(
        "compare-engines", "two-layer", "--engines", "reference,nothing", "--steps", "1"
    )
    assert ended.status != 0
    assert ended.err.startswith("error: there is no engine 'nothing'")
