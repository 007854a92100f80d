import json
import re
import shutil

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import engine_named, fastest_engine


def test_accuracy_loss_and_each_class(handgrad, trained):
    ended = handgrad("evaluate", trained)
    net, test = hg.load_model(trained / "model.safetensors"), hg.load_data("digits")[1]
    found = hg.evaluate(net, test)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == f"digits test {found}"
    for k, row in enumerate(found.confusion):
        expected = rf"^ +{k} +{row.sum()} +{row[k]} +{row[k] / row.sum():.2%}"
        assert re.search(expected, ended.out, re.MULTILINE)


def test_json_contains_the_same_values_and_nothing_else(handgrad, trained):
    ended = handgrad("evaluate", trained, "--json", "-v")
    told = json.loads(ended.out)
    net, test = hg.load_model(trained / "model.safetensors"), hg.load_data("digits")[1]
    found = hg.evaluate(net, test)
    assert (told["run"], told["data"]) == (str(trained), "digits test")
    assert (told["images"], told["correct"]) == (359, found.correct)
    assert (told["accuracy"], told["loss"]) == (found.accuracy, found.loss)
    assert np.array_equal(told["confusion"], found.confusion)
    assert [entry["label"] for entry in told["classes"]] == list(range(10))
    assert sum(entry["correct"] for entry in told["classes"]) == found.correct
    assert "numpy" in ended.err


@pytest.mark.parametrize("command", [["evaluate"], ["predict", "0"]], ids=" ".join)
def test_verbose_prints_the_engine_and_the_path_of_the_data(handgrad, trained, command):
    words = [command[0], trained, *command[1:], "-v"]
    noted = handgrad(*words).err.splitlines()
    assert {"engine reference", "data digits, in scikit-learn"} <= set(noted)
    elsewhere = handgrad(*words, "--data", "mnist", "--data-dir", "nowhere")
    assert "data mnist, nowhere" in elsewhere.err.splitlines()


def test_a_model_file_alone_is_sufficient(handgrad, trained, tmp_path):
    shutil.copy(trained / "model.safetensors", tmp_path / "m.safetensors")
    assert handgrad("evaluate", "m.safetensors").out == handgrad("evaluate", trained).out


def test_mistakes_are_listed_and_a_class_without_images_has_no_accuracy(
    handgrad, monkeypatch, trained
):
    test = hg.load_data("digits")[1]
    few = test.take(np.flatnonzero(test.labels != 3)[:40])
    monkeypatch.setattr("handgrad.runs.held_out.load_data", lambda *_, **__: (few, few))
    ended = handgrad("evaluate", trained)
    assert re.search(r"^ +3 +0 +0 +- *$", ended.out, re.MULTILINE)
    told = json.loads(handgrad("evaluate", trained, "--json").out)
    assert told["classes"][3] == {"label": 3, "images": 0, "correct": 0, "accuracy": None}


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nothing"], 1, "nothing is not a run: it does not exist"),
        (["."], 1, "it has no file model.safetensors"),
        (["text"], 1, "text: not a complete safetensors file"),
        (["untold.safetensors"], 2, "does not name its training data; give --data"),
        (
            ["RUN", "--data", "digit"],
            2,
            "there is no data set called 'digit'; did you mean digits?",
        ),
        (["RUN", "--data-dir", "nowhere", "--data", "mnist"], 1, "nowhere is not a folder"),
    ],
)
def test_failures(handgrad, trained, tmp_path, words, status, sentence):
    (tmp_path / "text").write_text("hello")
    hg.load_model(trained).save(tmp_path / "untold.safetensors")
    ended = handgrad("evaluate", *[trained if word == "RUN" else word for word in words])
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.startswith("error: ")
    assert sentence in ended.err


def test_robust_reports_clean_and_corrupted_images_together(handgrad, trained):
    told = json.loads(handgrad("evaluate", trained, "--robust", "--json").out)
    corrupted = told["robust"]["corrupted"]
    assert len(corrupted) == 15
    assert told["robust"]["accuracy"] == pytest.approx(sum(corrupted.values()) / 15)
    assert told["accuracy"] > told["robust"]["accuracy"] > 0.2
    out = handgrad("evaluate", trained, "--robust").out
    assert re.search(rf"^ none +{told['accuracy']:.2%} *$", out, re.MULTILINE)
    assert re.search(rf"^ inverted +{corrupted['inverted']:.2%} +-\d", out, re.MULTILINE)
    assert "robust" not in json.loads(handgrad("evaluate", trained, "--json").out)


@pytest.mark.parametrize("engine", ["compiled", "reference", "torch"])
def test_the_requested_engine_evaluates(handgrad, trained, engine, monkeypatch):
    if engine == "torch":
        pytest.importorskip("torch")
    plain = json.loads(handgrad("evaluate", trained, "--json").out)
    asked = []
    monkeypatch.setattr(
        "handgrad.engines.engine_named",
        lambda name, *others, real=engine_named: asked.append(name) or real(name, *others),
    )
    ended = handgrad("evaluate", trained, "--engine", engine, "--json", "-v")
    told = json.loads(ended.out)
    assert asked == [engine]
    assert f"engine {engine}" in ended.err.splitlines()
    assert told["confusion"] == plain["confusion"]
    assert told["loss"] == pytest.approx(plain["loss"], rel=1e-5)


def test_many_images_are_evaluated_with_the_fastest_engine(handgrad, trained):
    ended = handgrad("evaluate", trained, "--robust", "-v")
    assert f"engine {fastest_engine()}" in ended.err.splitlines()
    ended = handgrad("evaluate", trained, "--engine", "abacus")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: there is no engine 'abacus'; choose one of auto, compiled")
