"""For every trained built-in network, all engines agree, and changes are detected."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.cli.app import app
from handgrad.models import MODELS
from handgrad.preprocess import Preprocessing, drawing
from tests.classifier.forging import forged

ENGINES = ["reference", "compiled", "torch", "ONNX Runtime", "JavaScript", "C"]


@pytest.fixture(scope="module", params=MODELS)
def trained(request, places, tmp_path_factory) -> Path:
    """Return the file of a model after training it on part of MNIST."""
    if places["mnist"] is None:
        pytest.skip("mnist is not on this machine; let HANDGRAD_DATA name a folder with mnist/")
    train, test = hg.load_data("mnist", places["mnist"])
    net = hg.Classifier.for_data(MODELS[request.param](), train, seed=1)
    hg.fit(net, train.take(np.arange(12_000)), epochs=3, schedule=hg.schedules.OneCycle())
    assert hg.evaluate(net, test.take(np.arange(1000))).accuracy > 0.75
    path = tmp_path_factory.mktemp("trained") / f"{request.param}.safetensors"
    net.save(path, golden=test.images)
    return path


def verify(path: Path, capsys: pytest.CaptureFixture) -> tuple[int, dict, str]:
    """Run `handgrad verify`; return its exit status, its results and its error messages."""
    with pytest.raises(SystemExit) as ended:
        app(["verify", str(path), "--json"], prog_name="handgrad")
    out, err = capsys.readouterr()
    return ended.value.code or 0, json.loads(out)["models"][0], err


def changed(trained: Path, tmp_path: Path, **entries) -> Path:
    """Return a copy of the file with changed entries and a matching digest."""
    return forged(Path(shutil.copy(trained, tmp_path / "m.safetensors")), **entries)


@pytest.mark.slow
@pytest.mark.mnist
def test_all_engines_give_the_golden_outputs(trained, capsys):
    status, found, _ = verify(trained, capsys)
    apart = {answer["engine"]: answer["difference"] for answer in found["engines"]}
    with capsys.disabled():
        print(f"\n{trained.stem}:", ", ".join(f"{n} {d:.1e}" for n, d in apart.items()), end="")
    assert status == 0
    assert list(apart) == ENGINES
    assert max(apart.values()) <= 1e-5


@pytest.mark.slow
@pytest.mark.mnist
def test_one_changed_weight_is_detected(trained, tmp_path, capsys):
    whole = read_bundle(trained)
    for name, array in whole.classifier.network.arrays.items():
        kept = array.flat[-1]
        array.flat[-1] = np.nextafter(kept, np.float32(9e9))
        assert (
            whole.classifier.component_hashes()["weights"]
            != whole.golden.component_hashes["weights"]
        ), name
        array.flat[-1] = kept
    name = next(reversed(whole.classifier.network.parameters))
    weight = whole.classifier.network.parameters[name].copy()
    weight.flat[0] += 0.001
    status, found, err = verify(changed(trained, tmp_path, arrays={name: weight}), capsys)
    assert (status, found["passed"], found["changed"]) == (1, False, ["weights"])
    assert min(answer["difference"] for answer in found["engines"]) > 1e-5
    assert "its weights have changed since its reference outputs were stored" in err


@pytest.mark.slow
@pytest.mark.mnist
def test_one_changed_label_is_detected(trained, tmp_path, capsys):
    entries = {"classes": [*range(9), 77]}
    status, found, err = verify(changed(trained, tmp_path, description=entries), capsys)
    assert (status, found["passed"], found["changed"]) == (1, False, ["labels"])
    assert "its labels have changed since its reference outputs were stored" in err


@pytest.mark.slow
@pytest.mark.mnist
def test_one_changed_step_of_the_preprocessing_is_detected(trained, tmp_path, capsys):
    whole = drawing(28)
    assert read_bundle(trained).classifier.preprocessing == whole
    asked = 0
    for at in range(len(whole.steps)):
        try:
            fewer = Preprocessing(whole.shape, whole.steps[:at] + whole.steps[at + 1 :])
        except (hg.ModelError, ValueError, IndexError):
            continue  # its output no longer fits the network
        asked += 1
        path = changed(trained, tmp_path, description={"preprocessing": fewer.to_json()})
        bundle = read_bundle(path)
        assert (
            bundle.classifier.component_hashes()["preprocessing"]
            != bundle.golden.component_hashes["preprocessing"]
        )
    assert asked > 8
    without = Preprocessing(whole.shape, (*whole.steps[:-3], *whole.steps[-2:]))  # not fitted
    path = changed(trained, tmp_path, description={"preprocessing": without.to_json()})
    status, found, err = verify(path, capsys)
    assert (status, found["passed"]) == (1, False)
    assert found["changed"] == ["preprocessing", "images"]
    assert "its preprocessing has changed since its reference outputs were stored" in err
