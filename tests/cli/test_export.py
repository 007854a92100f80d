import json

import numpy as np
import onnx
import pytest

import handgrad as hg
from handgrad.bundle import read_bundle
from handgrad.verify import golden
from tests.extras import needs


@pytest.fixture(scope="session")
def bundle(trained):
    return read_bundle(trained / "model.safetensors")


def test_an_onnx_graph_of_its_own(handgrad, trained, bundle):
    onnxruntime = needs("onnxruntime")
    ended = handgrad("export", trained, "--onnx", "m.onnx")
    assert (ended.status, ended.out, ended.err) == (0, "ONNX graph in m.onnx\n", "")
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    _, test = hg.load("digits")
    for count in (1, 7, 300):  # any number of pictures
        X = test.pictures[:count]
        logits, p, label = session.run(None, {"pictures": X})
        assert golden.difference(logits, bundle.net.logits(X)) < 1e-5
        assert p == pytest.approx(bundle.net.predict_proba(X), abs=1e-5)
        assert label.tolist() == bundle.net.predict(X).tolist()
    about = {entry.key: json.loads(entry.value) for entry in onnx.load("m.onnx").metadata_props}
    assert about == {
        "handgrad.classes": list(range(10)),
        "handgrad.preparation": bundle.net.preparation and bundle.net.preparation.to_json(),
        "handgrad.calibration": None,
        "handgrad.digest": bundle.digest,
    }


def test_names_and_temperature_are_in_the_graph(handgrad):
    onnxruntime = needs("onnxruntime")
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), ["cat", "dog"])
    net.calibration = hg.Calibration(temperature=3.0)
    net.save("m.safetensors")
    assert handgrad("export", "m.safetensors", "--onnx", "m.onnx").status == 0
    X = read_bundle("m.safetensors").golden.pictures
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    _, p, label = session.run(None, {"pictures": X})
    assert p == pytest.approx(net.predict_proba(X), abs=1e-6)
    assert label.tolist() == net.predict(X).tolist()


def test_a_file_that_answers_something_else_is_refused(handgrad, trained, monkeypatch):
    monkeypatch.setattr(golden, "run_onnx", lambda _, X: np.zeros((len(X), 10)))
    ended = handgrad("export", trained, "--onnx", "m.onnx")
    assert ended.status == 1
    assert "ONNX Runtime answers the golden pictures with other logits" in ended.err


def test_a_program_and_a_state_dict_for_pytorch(handgrad, trained, bundle):
    torch = needs("torch")
    assert handgrad("export", trained, "--torch", "m.pt2").out == "PyTorch model in m.pt2\n"
    extra = {"handgrad.classes": "", "handgrad.digest": ""}
    program = torch.export.load("m.pt2", extra_files=extra).module()
    assert json.loads(extra["handgrad.classes"]) == list(range(10))
    assert json.loads(extra["handgrad.digest"]) == bundle.digest
    for count in (1, 5):
        X = bundle.golden.pictures[:count]
        logits = program(torch.from_numpy(X)).detach().numpy()
        assert golden.difference(logits, bundle.net.logits(X)) < 1e-5
    assert handgrad("export", trained, "--torch", "m.pt").status == 0
    state = torch.load("m.pt", weights_only=True)
    assert {name: value.numpy().tolist() for name, value in state.items()} == {
        name: value.tolist() for name, value in bundle.net.arrays.items()
    }


def test_a_folder_for_the_hub(handgrad, trained, bundle, tmp_path):
    ended = handgrad("export", trained, "--hub", "hub")
    assert (ended.status, ended.out) == (0, "model with its card in hub\n")
    found = {path.name for path in (tmp_path / "hub").iterdir()}
    assert found >= {"README.md", "config.json", "model.safetensors", "model.onnx"}
    config = json.loads((tmp_path / "hub/config.json").read_text())
    assert config["id2label"]["3"] == "3"
    assert config["label2id"] == {str(k): k for k in range(10)}
    card = (tmp_path / "hub/README.md").read_text()
    _, front, words = card.split("---\n", 2)
    assert "pipeline_tag: image-classification\n" in front
    assert f"value: {bundle.about['scores']['test_accuracy']}" in front
    assert "# softmax-regression on digits" in words
    assert "| parameters | 650 |" in words
    back = read_bundle(tmp_path / "hub/model.safetensors")
    assert np.array_equal(back.golden.logits, bundle.golden.logits)
    assert handgrad("verify", tmp_path / "hub").status == 0


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ([], 2, "nothing to write; give --onnx, --torch or --hub"),
        (["--hub", ""], 2, "give the name of a folder to write to, not nothing; . is this one"),
        (["--onnx", "m.bin"], 1, "m.bin: an ONNX file must be named something.onnx"),
        (["--torch", "m.bin"], 1, "m.bin: a PyTorch file must be named something.pt2, or .pt"),
    ],
)
def test_failures(handgrad, trained, words, status, sentence):
    if "--torch" in words:
        needs("torch")
    ended = handgrad("export", trained, *words)
    assert (ended.status, ended.out) == (status, "")
    assert sentence in ended.err
