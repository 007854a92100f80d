from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.classifier.model_file import digest
from handgrad.export import verify as golden
from handgrad.export.verify import VerificationResult, verify_bundle
from handgrad.models import MODELS
from handgrad.preprocess import CropToInk, Preprocessing, drawing
from tests.cases import CASES, Case, stir
from tests.classifier.forging import forged
from tests.extras import needs

ENGINES = ["reference", "compiled", "torch", "ONNX Runtime", "JavaScript", "C"]


def model(name: str, path: Path) -> Path:
    """Save a built-in network with preprocessing; no array has its initial value."""
    net = hg.Network(MODELS[name](), (1, 28, 28), 10, seed=1)
    rng = np.random.default_rng(1)
    images = np.zeros((4, 1, 28, 28), np.uint8)
    images[:, :, 6:20, 9:17] = rng.integers(90, 256, (4, 1, 14, 8))
    net.fit_statistics(images)
    stir({name: array for name, array in net.arrays.items() if "running" in name}, rng)
    classes = list("abcdefghij")
    hg.Classifier(net, classes, preprocessing=drawing(28)).save(path, golden=images)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_all_engines_give_the_golden_outputs_of_a_built_in_network(
    name: str, tmp_path: Path
) -> None:
    needs("torch")
    found = verify_bundle(read_bundle(model(name, tmp_path / "m.safetensors")))
    assert [answer.engine for answer in found.answers] == ENGINES
    assert [answer.reason for answer in found.answers] == [""] * len(ENGINES)
    assert found.passed, found
    assert found.answers[0].difference == 0


@pytest.mark.parametrize("name", MODELS)
def test_one_changed_weight_of_any_array_is_detected(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(golden._ENGINES, "JavaScript")  # it is slow: see test_html.py
    monkeypatch.delitem(golden._ENGINES, "C")  # a compilation for each array would take minutes
    path = model(name, tmp_path / "m.safetensors")
    whole = read_bundle(path)
    for key, array in whole.classifier.network.arrays.items():
        moved = []
        for place in {0, array.size // 2, array.size - 1}:
            kept = array.flat[place]
            array.flat[place] += 3
            logits = whole.classifier.network.logits(whole.golden.images)
            moved.append(golden.difference(logits, whole.golden.logits))
            assert whole.classifier.component_hashes() != whole.golden.component_hashes
            array.flat[place] = kept
        assert max(moved) > 1e-5, key  # the numbers say it too, unless a unit is dead
        array.flat[0] += 3
        found = verify_bundle(whole)
        assert found.changed == ("weights",)
        assert not found.passed
        array.flat[0] -= 3


@pytest.mark.parametrize("name", MODELS)
def test_one_changed_label_or_step_is_detected(name: str, tmp_path: Path) -> None:
    path = model(name, tmp_path / "m.safetensors")
    assert verify_bundle(
        read_bundle(forged(path, description={"classes": list("abcdefghik")}))
    ).changed == ("labels",)
    described = drawing(28).to_json()
    for at, step in enumerate(described["steps"]):
        steps = [s for n, s in enumerate(described["steps"]) if n != at]
        try:
            Preprocessing.from_json({"shape": [1, 28, 28], "steps": steps})
        except (hg.ModelError, ValueError, IndexError):
            continue
        changed = {"preprocessing": {"shape": [1, 28, 28], "steps": steps}}
        found = verify_bundle(read_bundle(forged(model(name, path), description=changed)))
        assert "preprocessing" in found.changed, step
        assert not found.passed


def test_a_preprocessing_with_other_images_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model("softmax-regression", tmp_path / "m.safetensors")
    monkeypatch.setattr(CropToInk, "__call__", lambda _, X: X)
    found = verify_bundle(read_bundle(path))
    assert found.changed == ("images",)
    assert not found.passed
    differences = {a.engine: a.difference for a in found.answers if a.difference is not None}
    own = differences.pop("JavaScript", 0)  # it preprocesses the raw images itself
    assert own <= 1e-5 < min(differences.values())


def test_an_engine_with_other_outputs_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model("softmax-regression", tmp_path / "m.safetensors")
    real = golden.run_onnx

    def off(model: bytes, images: np.ndarray) -> np.ndarray:
        logits = real(model, images)
        logits[0, 0] += 3e-5 * np.abs(logits).max()
        return logits

    monkeypatch.setattr(golden, "run_onnx", off)
    found = verify_bundle(read_bundle(path))
    wrong = [a.engine for a in found.answers if a.difference and a.difference > 1e-5]
    assert wrong == ["ONNX Runtime"]
    assert not found.passed
    assert verify_bundle(read_bundle(path), tolerance=1e-4).passed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_can_be_exported_to_onnx(case: Case) -> None:
    needs("onnxruntime")
    from handgrad.classifier import Bundle
    from handgrad.export.onnx import to_onnx

    model = hg.Classifier(case.network())
    some = model.golden_outputs(case.examples(dtype=np.float32))
    bundle = Bundle(model, {}, some, digest("", model.network.arrays))
    found = golden.run_onnx(to_onnx(bundle).SerializeToString(), some.images)
    assert golden.difference(found, some.logits) < 1e-5


def test_a_missing_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model("softmax-regression", tmp_path / "m.safetensors")
    torch = find_spec("torch")
    monkeypatch.setattr(golden, "find_spec", lambda _: None)
    found = verify_bundle(read_bundle(path))
    missing = {a.engine: a.reason for a in found.answers if a.difference is None}
    assert missing == {
        "compiled": "Numba is not installed",
        "ONNX Runtime": "ONNX Runtime is not installed; "
        'install it with pip install "handgrad[onnx]"',
    } | (
        {}
        if torch
        else {"torch": 'PyTorch is not installed; install it with pip install "handgrad[torch]"'}
    )
    assert found.passed


def test_nan_does_not_pass() -> None:
    answer = golden.EngineCheck("reference", float("nan"))
    assert not VerificationResult((answer,), ()).passed
