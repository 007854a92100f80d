"""`handgrad duel`."""

import json

import pytest

from tests.extras import needs

BOTH = ("--engines", "reference,auto")
FEW = ("two-layer", "digits", "--engines", "reference,torch:cpu", "--steps", 5)


def test_spaces_between_engines_are_no_part_of_their_names(handgrad):
    words = ("--engines", " reference , auto", "--steps", 2)
    status, out, _ = handgrad("compare-engines", "two-layer", "digits", *words)
    assert status == 0
    assert "no tensor parts by more than 1e-09 in 2 steps" in out


def test_it_prints_differences_and_how_each_did(handgrad):
    needs("torch")
    status, out, err = handgrad("compare-engines", *FEW)
    assert status == 0
    for word in ("loss", "activations", "gradients", "parameters", "ms a step", "test accuracy"):
        assert word in out
    assert "no tensor parts by more than 1e-09 in 5 steps" in out
    assert "differences.png" not in err


def test_engines_that_part_end_it_with_1_and_are_named(handgrad, tmp_path):
    needs("torch")
    words = ("--dtype", "float32", "--tolerance", "1e-9", "--out", tmp_path / "new", "--json")
    status, out, err = handgrad("compare-engines", *FEW, *words)
    found = json.loads(out)
    assert status == 1
    assert found["parting"]["step"] == 0
    assert found["parting"]["engine"] == "torch:cpu"
    assert (found["model"], found["data"], found["dtype"]) == ("two-layer", "digits", "float32")
    assert found["steps"] == len(found["differences"]["torch:cpu"]) == 1
    assert json.loads((tmp_path / "new" / "duel.json").read_text("utf-8")).items() <= found.items()
    assert (tmp_path / "new" / "differences.png").stat().st_size > 10_000
    assert "differences.png and duel.json in" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--engines", "torch"), "a duel needs two engines; give such as reference,torch"),
        (("--engines", "reference,jax"), "there is no engine 'jax'; choose one of"),
        (("--engines", "reference, compiled"), "works in float32 alone; add --dtype float32"),
        (("--engines", "reference,compiled", "--tolerance", "nan"), "add --dtype float32"),
        ((*BOTH, "--tolerance", "nan"), "tolerance must be above 0 and finite, not nan"),
        ((*BOTH, "--tolerance", "0"), "tolerance must be above 0 and finite, not 0"),
        ((*BOTH, "--tolerance=-1"), "tolerance must be above 0 and finite, not -1"),
        ((*BOTH, "--tolerance", "inf"), "tolerance must be above 0 and finite, not inf"),
        (("--out", ""), "give the name of a folder to write to, not nothing; . is this one"),
        (("--optimizer", "adamx"), "the nearest is adam"),
    ],
)
def test_wrong_use_is_said_in_a_sentence_with_2(handgrad, words, sentence):
    status, _, err = handgrad("compare-engines", "two-layer", "digits", *words)
    assert status == 2
    assert sentence in err


def test_an_error_is_the_first_line(handgrad):
    ended = handgrad(
        "compare-engines", "two-layer", "--engines", "reference,nothing", "--steps", "1"
    )
    assert ended.status != 0
    assert ended.err.startswith("error: there is no engine 'nothing'")
