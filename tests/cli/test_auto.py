import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad import tracking
from handgrad.automl import pipeline
from tests.extras import needs


def write_images(folder, count):
    """Write `count` images with a bar on the left, and `count` with a bar on the right."""
    rng = np.random.default_rng(0)
    for n in range(2 * count):
        X = rng.integers(0, 30, (12, 12), np.uint8)
        X[rng.integers(2, 9) :, 8 * (n % 2) :][:3, :4] = 220
        path = Path(folder, ("left", "right")[n % 2], f"{n}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X).save(path)


def test_a_folder_of_images_becomes_a_model_with_a_report(handgrad, monkeypatch):
    monkeypatch.setattr(pipeline, "TEST_SECONDS", 3.0)
    write_images("mine", 40)
    ended = handgrad("auto", "mine", "--minutes", 0.12)
    assert ended.status == 0
    score, place = ended.out.splitlines()
    assert re.match(r"test accuracy [\d.]+%", score)
    assert (
        place
        == "wrote the model to runs/mine-auto-1 and the report to runs/mine-auto-1/report.html"
    )
    assert re.search(r"^ +[\d.]+ s  final       \S+, learning rate", ended.err, re.MULTILINE)
    assert re.search(r"^chosen: \S+, learning rate .*; (not )?calibrated", ended.err, re.MULTILINE)
    net = hg.load_model("runs/mine-auto-1/model.safetensors")
    assert net.classes == ("left", "right")
    assert net.preprocessing is not None
    assert (
        hg.evaluate(net, hg.load_data("./mine")[1]).accuracy == float(score.split()[2][:-1]) / 100
    )
    assert "few images" not in Path("runs/mine-auto-1/report.html").read_text(encoding="utf-8")
    assert handgrad("evaluate", "runs/mine-auto-1").status == 0


def test_json_contains_the_result_and_its_path(handgrad, monkeypatch):
    monkeypatch.setattr(pipeline, "TEST_SECONDS", 4.0)
    write_images("mine", 10)
    ended = handgrad("auto", "mine", "--minutes", 0.12, "--out", "here", "--json")
    assert ended.status == 0
    found = json.loads(ended.out)
    assert (found["version"], found["ok"], found["interrupted"]) == (1, True, False)
    assert (found["run"], found["report"]) == ("here", "here/report.html")
    assert found["test"]["count"] == 4
    assert found["test"]["accuracy"] == found["test"]["correct"] / 4
    assert found["config"]["model"]
    assert found["trials"] >= 1


def test_very_few_images_are_enough(handgrad, monkeypatch):
    monkeypatch.setattr(pipeline, "TEST_SECONDS", 5.0)
    write_images("mine", 3)
    ended = handgrad("auto", "mine", "--minutes", 0.1, "--out", "here")
    assert ended.status == 0
    assert "not calibrated: " in ended.err
    assert Path("here/report.html").is_file()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["mine", "--minutes", 0], 2, "minutes must be at least 0.1, not 0"),
        (["mine", "--minutes", -1], 2, "minutes must be at least 0.1, not -1"),
        (["mine", "--minutes", "nan"], 2, "minutes must be at least 0.1, not nan"),
        (["mine", "--minutes", "inf"], 2, "minutes must be at most 10080, a week, not inf"),
        (["mine", "--minutes", 1e300], 2, "minutes must be at most 10080, a week, not 1e.300"),
        (["mine"], 1, "too few images to split"),
        (["nothing-here/x"], 1, "nothing-here/x"),
        (["mine", "--out", "mine"], 2, "mine"),
    ],
)
def test_wrong_use_gives_a_one_sentence_error_and_no_folder(handgrad, words, status, sentence):
    write_images("mine", 1)
    ended = handgrad("auto", *words)
    assert (ended.status, ended.out) == (status, "")
    assert re.fullmatch(f"error: .*{sentence}.*\n", ended.err)
    assert not Path("runs").exists()


def test_images_of_one_class_are_refused(handgrad):
    write_images("mine", 5)
    shutil.rmtree("mine/right")
    ended = handgrad("auto", "mine", "--minutes", 0.2)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == (
        "error: mine: all images have the class 'left'; add images of another class"
    )
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["auto", "train"])
def test_a_missing_package_is_reported_before_the_work_starts(handgrad, monkeypatch, command):
    needs("tensorboardX")
    there = importlib.util.find_spec
    monkeypatch.setattr(tracking, "find_spec", lambda name: name != "mlflow" and there(name))
    ended = handgrad(command, "digits", "--tensorboard", "--mlflow", "--out", "zz")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        'error: MLflow is not installed; install it with pip install "handgrad[mlflow]"\n'
    )
    assert not Path("zz").exists()
