"""Every command suggests a known name for a mistyped one, if one is similar."""

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        ("train --model convnt", "convnet"),
        ("train mnst", "mnist"),
        ("train my-pet", "my-pets"),
        ("train ./my-pet", "my-pets"),
        ("train --optimizer adm", "adam"),
        ("train --schedule cosin", "cosine"),
        ("auto my-pet", "my-pets"),
        ("evaluate runs/digit-1", "runs/digits-1"),
        ("evaluate {run} --data digit", "digits"),
        ("evaluate {run} --data my-pet", "the folder my-pets"),
        ("evaluate {run} --engine compield", "compiled"),
        ("predict {run} 0 --preprocessing lihgt", "light"),
        ("verify runs/digit-1", "runs/digits-1"),
        ("plan convnt", "convnet"),
        ("plan convnet --data mnst", "mnist"),
        ("gradcheck Dens", "Dense"),
        ("compare-engines convnt", "convnet"),
        ("compare-engines two-layer --engines reference,torhc", "torch"),
        ("explain-step convnt", "convnet"),
        ("explain-step convnet mnst", "mnist"),
        ("reproduce convnt", "convnet"),
        ("data fetch mnst", "mnist"),
        ("data check-files mnst", "mnist"),
        ("data check my-pet", "my-pets"),
        ("data show my-pet", "the folder my-pets"),
    ],
)
def test_a_similar_name_is_suggested(handgrad, trained, words, suggestion):
    Path("my-pets").mkdir()
    Path("runs/digits-1").mkdir(parents=True)
    ended = handgrad(*words.format(run=trained).split())
    assert ended.status in {1, 2}
    assert f"did you mean {suggestion}?" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        *("train --model zzzz", "train zzzz", "auto zzzz", "evaluate zzzz", "plan zzzz"),
        *("gradcheck zzzz", "explain-step zzzz", "reproduce zzzz", "data fetch zzzz"),
        *("data check zzzz", "data show zzzz", "compare-engines zzzz", "verify zzzz"),
    ],
)
def test_no_name_is_suggested_if_none_is_similar(handgrad, words):
    Path("my-pets").mkdir()
    ended = handgrad(*words.split())
    assert ended.status in {1, 2}
    assert "did you mean" not in ended.err


@pytest.mark.parametrize(
    "command", ["train", "auto", "data show", "data check", "evaluate {run} --data"]
)
def test_existing_data_folders_are_listed(handgrad, trained, command):
    for name in ("birds", "my-pets"):
        Path(name).mkdir()
    ended = handgrad(*command.format(run=trained).split(), "qqqq")
    assert "birds, my-pets" in ended.err
