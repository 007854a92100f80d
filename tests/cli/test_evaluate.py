import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
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


def as_folder(folder, images, labels):
    """Write images as PNG files, FOLDER/LABEL/N.png."""
    for n, (x, k) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(k) / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[0]).save(path)


def test_all_images_of_a_folder_are_evaluated_and_classes_may_be_missing(
    handgrad, trained, tmp_path
):
    X, y = hg.load_data("digits")[1][:99]
    as_folder(tmp_path / "own", X[y < 8], y[y < 8])
    told = json.loads(handgrad("evaluate", trained, "--data", tmp_path / "own", "--json").out)
    assert told["images"] == (y < 8).sum() < 99
    assert (told["trained_on"], told["accuracy"]) == (0, told["accuracy_of_others"])
    assert [entry["images"] for entry in told["classes"]][8:] == [0, 0]
    out = handgrad("evaluate", trained, "--data", tmp_path / "own").out
    assert f"the model was trained on 0 of these {told['images']} images" in out
    as_folder(tmp_path / "own" / "12", X[:1], ["x"])
    refused = handgrad("evaluate", trained, "--data", tmp_path / "own")
    assert refused.err == (
        "error: own has the class 12, but the model has only the classes 0, 1, 2, ... (10); leave "
        "out the images of other classes, or rename the class\n"
    )


def test_training_images_are_recognised_in_files_of_any_name(handgrad, trained, tmp_path):
    train, test = hg.load_data("digits")
    as_folder(tmp_path / "a", train.images[:30], train.labels[:30])
    told = json.loads(handgrad("evaluate", trained, "--data", tmp_path / "a", "--json").out)
    assert (told["images"], told["trained_on"], told["accuracy_of_others"]) == (30, 30, None)
    assert "so this accuracy says nothing" in handgrad("evaluate", trained, "--data", "a").out
    refused = handgrad("calibrate", trained, "--data", "a")
    assert refused.err == ("error: a: the model was trained on all 30 images; give other images\n")
    X = np.concatenate([train.images[:30], test.images[:60]])
    y = np.concatenate([train.labels[:30], test.labels[:60]])
    np.savez("b.npz", x_train=X[:, 0] / 255, y_train=y)
    told = json.loads(handgrad("evaluate", trained, "--data", "b.npz", "--json").out)
    assert (told["images"], told["trained_on"]) == (90, 30)
    run = shutil.copytree(trained, "run")
    ended = handgrad("calibrate", run, "--data", "b.npz", "--json")
    assert "b: 30 of 90 images are left out, because the model was trained on them" in ended.err
    assert json.loads(ended.out)["images"] == 60
    shutil.move(tmp_path / "run" / "model.safetensors", "alone.safetensors")
    told = json.loads(handgrad("evaluate", "alone.safetensors", "--data", "a", "--json").out)
    assert told["trained_on"] is None


def test_a_failed_training_is_reported_and_not_calibrated(handgrad, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    bundle = read_bundle(run)
    bundle.classifier.network.parameters["1.bias"][3] = 1e4
    bundle.classifier.save(run / "model.safetensors", bundle.about)
    ended = handgrad("evaluate", run)
    assert "warning: all 359 images get the same class, 3; either the training failed" in ended.err
    refused = handgrad("calibrate", run)
    assert refused.status == 1
    assert "cannot be calibrated: all 144 images get the same class, 3; train again" in refused.err
    assert hg.load_model(run).calibration is None


def test_rejection_of_images_of_other_kinds_is_measured(handgrad, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
    as_folder(tmp_path / "noise", noise, ["deep/er"] * 40)
    assert handgrad("calibrate", run, "--precision", "0.99").status == 0
    ended = handgrad("evaluate", run, "--ood-data", tmp_path / "noise", "--json")
    told = json.loads(ended.out)["ood"]
    assert (told["data"], told["images"]) == (str(tmp_path / "noise"), 40)
    assert told["stored"] == told["rejected"]["score"] == told["doubted"] == 1
    assert told["rejected"]["softmax"] < 0.9 < told["stored_accepted"]
    out = handgrad("evaluate", run, "--ood-data", tmp_path / "noise").out
    assert "100.00% of 40 images of other kinds are rejected" in out
    assert "highest probability alone, at the threshold that accepts 95% of the test" in out
    told = json.loads(handgrad("evaluate", trained, "--ood-data", "noise", "--json").out)["ood"]
    assert (told["stored"], told["doubted"], list(told["rejected"])) == (None, 0, ["softmax"])
    assert (
        "there is no data set called 'mnits'"
        in handgrad("evaluate", run, "--ood-data", "mnits").err
    )
