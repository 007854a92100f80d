import json
import shutil

import numpy as np
import pytest

import handgrad as hg
from handgrad import runs
from handgrad.calibration import reliability
from handgrad.runs.held_out import EDITED


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def test_temperature_and_threshold_go_into_the_model(handgrad, run):
    ended = handgrad("calibrate", run, "--precision", 0.97, "--json")
    assert (ended.status, ended.err) == (0, "")
    found = json.loads(ended.out)
    model = hg.load_model(run / "model.safetensors")
    bins = found.pop("reliability")
    assert (found.pop("reason_against_calibrating"), found.pop("ood_score")) == ("", True)
    assert (found.pop("version"), found.pop("ok")) == (1, True)
    assert model.calibration == hg.Calibration.from_json(found)
    assert sum(entry["answers"] for entry in bins) == found["images"] == 144
    assert found["error"] < found["error_before"]

    train, test = hg.load_data("digits")
    validation = train.split(0.1, 0)[1]
    p = model.predict_proba(validation.images)
    sure = model.calibration.is_confident(p)
    right = p.argmax(axis=1) == validation.labels
    assert right[sure].mean() >= 0.97 > right.mean()
    assert sure.mean() == pytest.approx(found["coverage"])
    tested = reliability(model.predict_proba(test.images), test.labels)
    model.calibration = None
    assert tested.error < reliability(model.predict_proba(test.images), test.labels).error
    assert handgrad("verify", run).status == 0


def test_the_output_of_calibrate(handgrad, run):
    ended = handgrad("calibrate", run, "--precision", 0.9)
    assert "expected calibration error" in ended.out
    assert "on 144 images\nconfident from " in ended.out
    assert "93.3% to 100.0%" in ended.out


@pytest.mark.parametrize(
    ("flawless", "count", "warning"),
    [
        (
            True,
            144,
            "not calibrated: all 144 predictions are correct, so the error rate is unknown",
        ),
        (
            False,
            20,
            "20 images are too few to fit a temperature; the calibrated probabilities are "
            "unreliable",
        ),
    ],
)
def test_a_calibration_with_too_few_images_or_errors_gives_a_warning(
    handgrad, run, monkeypatch, flawless, count, warning
):
    train, held = hg.load_data("digits")[0].split(0.1, 0)
    held = held.take(np.arange(count))
    if flawless:
        monkeypatch.setattr(hg.Network, "logits", lambda *_: 5 * np.eye(10)[held.labels])
    monkeypatch.setattr(runs, "load_validation", lambda *_, **__: (train, held))
    ended = handgrad("calibrate", run)
    assert ended.status == 0
    assert ended.err == f"warning: {warning}\n"
    assert (hg.load_model(run).calibration is None) == flawless


def test_below_the_threshold_predict_does_not_know(handgrad, run):
    numbers = [str(number) for number in range(0, 359, 4)]
    before = json.loads(handgrad("predict", run, *numbers, "--json").out)["predictions"]
    assert all(answer["confident"] for answer in before)
    handgrad("calibrate", run, "--precision", 0.98)
    threshold = hg.load_model(run / "model.safetensors").calibration.threshold
    after = json.loads(handgrad("predict", run, *numbers, "--json").out)["predictions"]
    assert {answer["confident"] for answer in after} == {True, False}
    for answer in after:
        is_sure = answer["probabilities"][0]["p"] >= threshold
        assert answer["confident"] == (is_sure and answer["reason"] != "unlike the training data")
    told = handgrad("predict", run, *numbers).out
    assert told.count("don't know (") == sum(not answer["confident"] for answer in after)


def test_evaluate_reports_the_reliability_of_its_result(handgrad, run):
    before = json.loads(handgrad("evaluate", run, "--json").out)
    assert (before["calibrated"], before["confident"]) == (False, 1)
    assert before["accuracy_of_confident"] == before["accuracy"]
    assert "`handgrad calibrate` may reduce it" in handgrad("evaluate", run).out
    handgrad("calibrate", run, "--precision", 0.98)
    after = json.loads(handgrad("evaluate", run, "--json").out)
    assert after["calibration_error"] < before["calibration_error"]
    assert after["accuracy"] == before["accuracy"] < after["accuracy_of_confident"]
    words = f"; {after['confident']:.2%} of the answers are confident, and"
    assert words in handgrad("evaluate", run).out


def test_evaluate_asks_for_other_images_if_the_run_has_no_validation_images(handgrad, tmp_path):
    out = tmp_path / "none"
    words = "--model softmax-regression --epochs 1 --validation 0 --patience 0 --no-figures"
    assert handgrad("train", *words.split(), "--out", out).status == 0
    assert (
        "`handgrad calibrate --data` with images that it was not" in handgrad("evaluate", out).out
    )


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({}, "the model file does not name its training data; train it again"),
        (
            {"config": {"validation": 0.0}, "data": {}},
            "the run had no validation images; give other images with --data, or train with",
        ),
        *(
            ({"config": {"validation": 0.1} | config, "data": data}, EDITED)
            for config, data in [
                ({}, {}),
                ({}, {"name": 5}),
                ({"seed": "a"}, {"name": "digits"}),
                ({"seed": -1}, {"name": "digits"}),
                ({"seed": True}, {"name": "digits"}),
                ({"validation": "a"}, {"name": "digits"}),
                ({"validation": 2.0}, {"name": "digits"}),
                ({"folder": 5}, {"name": "digits"}),
            ]
        ),
        (
            {"config": {"validation": 0.1, "seed": 0}, "data": {"name": "digits", "digest": "x"}},
            "the images have changed since the model was trained",
        ),
    ],
)
def test_without_the_images_the_error_gives_the_reason(handgrad, run, about, sentence):
    model = hg.load_model(run / "model.safetensors")
    model.save("m.safetensors", about)
    ended = handgrad("calibrate", "m.safetensors")
    assert ended.status in (1, 2)
    assert sentence in ended.err
    assert hg.load_model("m.safetensors").calibration is None


def test_by_other_images_than_the_runs_own(handgrad, run):
    model = hg.load_model(run / "model.safetensors")
    about = {"config": {"validation": 0}, "data": {"name": "digits"}}
    model.save("m.safetensors", about)
    refused = handgrad("calibrate", "m.safetensors")
    assert refused.status == 2
    assert "give other images with --data, or train with --validation 0.1" in refused.err
    ended = handgrad("calibrate", "m.safetensors", "--data", "digits", "--json")
    assert ended.status == 0, ended.err
    counted = sum(each["answers"] for each in json.loads(ended.out)["reliability"])
    assert counted == len(hg.load_data("digits")[1]) == 359
    assert ended.err.splitlines() == [
        "warning: it is unknown whether the model was trained on some of these images, because the "
        "model file has no list of its training images beside it",
        "warning: digits test: these are test images of the run; after calibration on them, they "
        "are no longer independent test images",
    ]
    calibration = hg.load_model("m.safetensors").calibration
    assert calibration.temperature == pytest.approx(json.loads(ended.out)["temperature"])


def test_user_data_without_a_training_run_is_used_completely(handgrad, run, tmp_path):
    train, test = hg.load_data("digits")
    images, labels = test[:]
    np.savez(tmp_path / "others.npz", x_train=images[:200, 0], y_train=labels[:200])
    ended = handgrad("calibrate", run, "--data", tmp_path / "others.npz", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["images"] == 200
    assert train.classes == hg.load_model(run / "model.safetensors").classes
    for nothing in ("", tmp_path / "nothing"):
        ended = handgrad("calibrate", run, "--data", nothing)
        assert ended.status in (1, 2)
        assert ended.err.startswith("error: ")


def test_an_impossible_precision_is_refused(handgrad, run):
    assert "must be above 0 and at most 1" in handgrad("calibrate", run, "--precision", 3).err
