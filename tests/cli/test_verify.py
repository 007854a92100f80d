import json
import shutil
from importlib.util import find_spec

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from tests.classifier.forging import forged
from tests.extras import needs


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copy(trained / "model.safetensors", tmp_path / "m.safetensors")


def test_all_engines_agree(handgrad, trained):
    needs("torch")
    ended = handgrad("verify", trained)
    assert (ended.status, ended.err) == (0, "")
    for engine in ("reference", "compiled", "torch", "ONNX Runtime", "JavaScript", "C"):
        assert f" {engine} " in ended.out
    assert ended.out.count("agrees") == 6


def test_several_models_as_json(handgrad, trained, model):
    needs("torch")
    ended = handgrad("verify", trained, model, "--json")
    found = json.loads(ended.out)["models"]
    assert [entry["model"] for entry in found] == [str(trained), str(model)]
    for entry in found:
        assert entry["passed"]
        assert entry["changed"] == []
        assert entry["tolerance"] == 1e-5
        assert [e["engine"] for e in entry["engines"]][2:] == [
            "torch",
            "ONNX Runtime",
            "JavaScript",
            "C",
        ]
        assert max(e["difference"] for e in entry["engines"]) <= 1e-5


def test_one_weight_changed_in_the_file(handgrad, model):
    weight = hg.load_model(model).network.parameters["1.weight"].copy()
    weight[3, 30] += 0.01
    forged(model, arrays={"1.weight": weight}, sealed=False)
    ended = handgrad("verify", model)
    assert (ended.status, ended.out) == (1, "")
    assert "changed or corrupted after it was saved" in ended.err
    forged(model, arrays={"1.weight": weight})  # by somebody who knows how to seal it
    ended = handgrad("verify", model)
    assert ended.status == 1
    assert ended.out.count("differs") == 4 + bool(find_spec("torch")) + bool(
        find_spec("py_mini_racer")
    )
    assert "its weights have changed since its reference outputs were stored" in ended.err


def test_one_label_changed_in_the_file(handgrad, model):
    forged(model, description={"classes": [*range(9), 77]})
    ended = handgrad("verify", model)
    assert ended.status == 1
    assert "its labels have changed since its reference outputs were stored" in ended.err


@pytest.mark.parametrize("change", [{"temperature": 3.0}, {"threshold": 0.999}])
def test_a_temperature_or_a_threshold_changed_in_the_file(handgrad, model, change):
    assert handgrad("calibrate", model, "--precision", 0.9).status == 0
    assert handgrad("verify", model).status == 0
    calibration = read_bundle(model).classifier.calibration.to_json() | change
    forged(model, description={"calibration": calibration})
    ended = handgrad("verify", model)
    assert ended.status == 1
    assert ended.err == (
        f"error: {model}: its calibration has changed since its reference outputs were stored\n"
    )
    assert handgrad("export", model, "--hub", "hub").status == 0  # which does not seal it anew
    assert handgrad("verify", "hub").status == 1
    assert handgrad("calibrate", model).status == 0
    assert handgrad("verify", model).status == 0


def test_a_step_changed_in_the_file(handgrad, model):
    described = read_bundle(model).classifier.preprocessing.to_json()
    steps = [{"kind": "Invert"} if s["kind"] == "InvertDarkInk" else s for s in described["steps"]]
    forged(model, description={"preprocessing": described | {"steps": steps}})
    ended = handgrad("verify", model)
    assert ended.status == 1
    assert "its preprocessing has changed since its reference outputs were stored\n" in ended.err


def test_one_broken_file_does_not_hide_the_others(handgrad, trained, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    ended = handgrad("verify", "broken.safetensors", trained)
    assert ended.status == 1
    assert ended.out.count("agrees") == 4 + bool(find_spec("torch")) + bool(
        find_spec("py_mini_racer")
    )
    assert ended.err.startswith("error: broken.safetensors: not a complete safetensors file (")
    ended = handgrad("verify", "broken.safetensors", trained, "--json")
    assert json.loads(ended.out)["ok"] is False
    broken, whole = json.loads(ended.out)["models"]
    assert not broken["passed"]
    assert broken["error"].startswith("broken.safetensors: not a complete safetensors file (")
    assert whole["passed"]


def test_no_golden_images(handgrad, model):
    golden = read_bundle(model).golden
    none = {"images": golden.images, "logits": golden.logits, "raw": golden.raw}
    forged(model, arrays={f"golden.{name}": array[:0] for name, array in none.items()})
    ended = handgrad("verify", model)
    assert (ended.status, ended.out) == (1, "")
    assert "its description is not consistent: it has no golden images" in ended.err


def test_wrong_golden_answers(handgrad, model):
    logits = read_bundle(model).golden.logits
    forged(model, arrays={"golden.logits": logits + np.float32(0.01)})
    ended = handgrad("verify", model)
    assert ended.status == 1
    assert ended.out.count("differs") == 4 + bool(find_spec("torch")) + bool(
        find_spec("py_mini_racer")
    )
    assert handgrad("verify", model, "--tolerance", 1).status == 0


def test_a_folder_without_a_model_is_refused(handgrad, tmp_path):
    ended = handgrad("verify", tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert "is not a run: it has no file model.safetensors" in ended.err
