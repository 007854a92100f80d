import re

import pytest


def test_a_built_in_network_is_explained_in_the_terminal(handgrad, monkeypatch):
    monkeypatch.setattr("handgrad.cli.screen.WIDE", 80)
    ended = handgrad("explain-step", "two-layer", "--image", 3)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "two-layer on image 3 of digits test"
    for part in ("1 forward 0 (Normalize)", "6 loss SoftmaxCrossEntropy", "9 backward 2 (Dense)"):
        assert part in lines
    assert "weights: untrained, from seed 0; name a run to explain a trained model" in lines
    assert "Y = X Wᵀ + b" in ended.out
    assert re.search(r"dweight +10x30 +min", ended.out)
    assert re.search(r"L = −log p\(3\) = \d", ended.out)


def test_a_run_is_explained_with_its_own_data(handgrad, trained):
    ended = handgrad("explain-step", trained, "--image", 5)
    assert ended.status == 0
    assert "on image 5 of digits test" in ended.out
    assert f"weights: trained, from {trained}" in ended.out
    assert "2 forward 1 (Dense)" in ended.out


def test_a_page_is_written(handgrad, trained, tmp_path):
    ended = handgrad("explain-step", trained, "--html", tmp_path / "page.html", "--training")
    assert (ended.status, ended.out) == (0, f"page in {tmp_path / 'page.html'}\n")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "as in training" in text
    assert f"<dt>weights</dt><dd>trained, from {trained}</dd>" in text


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nothing"], 2, "there is no model 'nothing'; choose one of softmax-regression"),
        (["two-layer", "nothing"], 2, "there is no data"),
        (
            ["two-layer", "--image", "359"],
            1,
            "there is no image 359; digits test has images 0 to 358",
        ),
        (
            ["two-layer", "--html", ""],
            1,
            ". is not a file name; give the path",
        ),
        (["two-layer", "--html", "/proc/none/page.html"], 1, "/proc/none/page.html: cannot be"),
    ],
)
def test_failures(handgrad, words, status, sentence):
    ended = handgrad("explain-step", *words)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.startswith(f"error: {sentence}")


def test_formulas_are_not_padded_in_a_pipe(handgrad):
    lines = handgrad("explain-step", "two-layer").out.splitlines()
    formulas = [line for line in lines if line.startswith("    ") and line.strip()]
    assert len(formulas) > 5
    assert formulas == [line.rstrip() for line in formulas]


def test_a_seed_without_effect_is_refused(handgrad, trained):
    ended = handgrad("explain-step", trained, "--seed", "1")
    assert (ended.status, ended.out) == (2, "")
    assert "--seed has no effect on" in ended.err
    assert handgrad("explain-step", trained, "--seed", "1", "--training").status == 0
