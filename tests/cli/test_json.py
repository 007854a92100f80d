"""Every command with --json prints one object that starts with `version` and `ok`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handgrad.automl import pipeline
from tests.cli.test_app import COMMANDS
from tests.cli.test_gradcheck import LAYER

WITH_JSON = {words for words, c in COMMANDS.items() if any("--json" in p.opts for p in c.params)}
ENGINES = "--engines reference,compiled --dtype float32"
LINES = {
    ("models",): "",
    ("evaluate",): "{run}",
    ("predict",): "{run} 0 1",
    ("calibrate",): "{run}",
    ("verify",): "{run}",
    ("plan",): "softmax-regression",
    ("gradcheck",): "Dense",
    ("compare-engines",): f"softmax-regression --steps 1 --tolerance 1 {ENGINES}",
    ("data", "list"): "",
    ("data", "check"): "{images}",
    ("train",): "--model softmax-regression --epochs 1 --no-figures",
    ("auto",): "{images} --minutes 0.12",
    ("upgrade",): "{old} --out new.safetensors",
}
OLD = Path(__file__).parents[1] / "classifier/golden_files/format-2.safetensors"
FAILING = {
    ("verify",): "broken.safetensors {run}",
    ("gradcheck",): "mine.py:Double",
    ("compare-engines",): f"two-layer --steps 2 --tolerance 1e-12 {ENGINES}",
    ("data", "check"): "{images}",
}


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(48):
        folder = tmp_path / "images" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        X = rng.integers(0, 30, (8, 8), np.uint8)
        X[rng.integers(0, 5) :, 4 * (number % 2) :][:3, :4] = 220
        Image.fromarray(X).save(folder / f"{number}.png")
    return tmp_path / "images"


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")  # `calibrate` changes it


def document(ended):
    assert ended.out, ended.err
    found = json.loads(ended.out)
    assert list(found)[:2] == ["version", "ok"]
    assert found["version"] == 1
    assert found["ok"] is (ended.status == 0)
    assert len(found) > 2
    return found


def test_all_commands_with_json_are_tested():
    assert set(LINES) == WITH_JSON


@pytest.mark.parametrize("words", sorted(LINES), ids=" ".join)
def test_json_has_version_and_ok(handgrad, monkeypatch, run, images, words):
    monkeypatch.setattr(pipeline, "TEST_SECONDS", 4.0)
    line = LINES[words].format(run=run, images=images, old=OLD)
    ended = handgrad(*words, *line.split(), "--json")
    assert ended.status == 0
    document(ended)


@pytest.mark.parametrize("words", sorted(FAILING), ids=" ".join)
def test_a_failed_check_is_not_ok(handgrad, run, images, words):
    Path("broken.safetensors").write_bytes(b"x")
    Path("mine.py").write_text(LAYER.replace("FACTOR", "3"))
    (images / "a" / "empty.png").touch()
    line = FAILING[words].format(run=run, images=images, old=OLD)
    ended = handgrad(*words, *line.split(), "--json")
    assert ended.status == 1
    document(ended)


def test_an_error_prints_no_json(handgrad):
    ended = handgrad("evaluate", "nothing", "--json")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("error: ")


def test_models_are_listed_with_their_size(handgrad):
    models = document(handgrad("models", "--json"))["models"]
    sizes = {model["name"]: model["parameters"] for model in models}
    assert sizes["softmax-regression"] == 7_850
