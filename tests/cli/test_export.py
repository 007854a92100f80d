import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export import verify as golden
from handgrad.export.c import compiler, cost
from handgrad.preprocess import Grayscale, ink, preset_named
from tests.extras import needs


@pytest.fixture(scope="session")
def bundle(trained):
    return read_bundle(trained / "model.safetensors")


def test_the_onnx_graph_has_the_outputs_of_the_model(handgrad, trained, bundle):
    onnxruntime = needs("onnxruntime")
    ended = handgrad("export", trained, "--onnx", "m.onnx")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "wrote the ONNX graph to m.onnx",
        "your program must do the preprocessing: alpha composited, grey, "
        "dark ink inverted, "
        "resized",
    ]
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    _, test = hg.load_data("digits")
    for count in (1, 7, 300):  # any number of images
        X = test.images[:count]
        logits, p, label = session.run(None, {"images": X})
        assert golden.difference(logits, bundle.classifier.logits(X)) < 1e-5
        assert p == pytest.approx(bundle.classifier.predict_proba(X), abs=1e-5)
        assert label.tolist() == bundle.classifier.predict(X).tolist()
    about = {entry.key: json.loads(entry.value) for entry in onnx.load("m.onnx").metadata_props}
    assert about == {
        "handgrad.classes": list(range(10)),
        "handgrad.preprocessing": bundle.classifier.preprocessing
        and bundle.classifier.preprocessing.to_json(),
        "handgrad.calibration": None,
        "handgrad.pixel_range": {"low": 0.0, "high": 255.0, "is_known": True},
        "handgrad.digest": bundle.digest,
    }


def sheets(count, shape, rng):
    """Return colour images: noise, and light or dark drawings with or without shadows."""
    H, W = shape
    for _ in range(count):
        X = rng.integers(0, 256, (H, W, 3), np.uint8)
        ink = rng.random((H, W, 1)) < 0.2
        light = np.linspace(rng.uniform(60, 250), rng.uniform(60, 250), W)[None, :, None]
        drawn = np.clip(light + ink * rng.uniform(-200, 200), 0, 255).astype(np.uint8)
        yield X
        yield np.repeat(drawn, 3, axis=2)
        yield np.minimum(X // 4, drawn)


@pytest.mark.parametrize(
    ("preset", "shape"),
    [
        *(("light", (1, *size)) for size in [(8, 8), (9, 6), (1, 1), (1, 5), (2, 2), (9, 2)]),
        *(("plain", shape) for shape in [(1, 5, 8), (3, 6, 6)]),
    ],
)
def test_raw_images_are_prepared_in_the_graph_as_predict_does(handgrad, preset, shape):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = hg.Network([hg.Flatten(), hg.Dense()], shape, 3)
    model = hg.Classifier(net, ["cat", "dog", "bird"])
    model.preprocessing = preset_named(preset, shape)
    model.save("m.safetensors")
    ended = handgrad("export", "m.safetensors", "--onnx", "m.onnx", "--raw")
    assert (ended.status, ended.err) == (0, "")
    assert "the graph does the preprocessing: alpha composited, " in ended.out
    props = {entry.key: entry.value for entry in onnx.load("m.onnx").metadata_props}
    assert props["handgrad.raw"] == "true"
    X = np.stack(list(sheets(60, shape[1:], np.random.default_rng(0))))
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    for some in (X[:1], X):
        prepared = np.stack([model.preprocessing.apply(x) for x in some])
        _, p, label = session.run(None, {"images": some.transpose(0, 3, 1, 2)})
        assert p == pytest.approx(model.predict_proba(prepared), abs=1e-5)
        assert label.tolist() == model.predict(prepared).tolist()
    for n in (0, 1, 2):  # and `handgrad predict` itself
        Image.fromarray(X[n]).save(f"{n}.png")
        ended = handgrad("predict", "m.safetensors", f"./{n}.png", "--json")
        told = json.loads(ended.out)["predictions"][0]
        by_label = {one["label"]: one["p"] for one in told["probabilities"]}
        assert [by_label[k] for k in model.classes] == pytest.approx(p[n].tolist(), abs=1e-5)


@pytest.mark.parametrize("size", [(2, 2), (2, 9)])
def test_the_check_detects_a_different_handling_of_shadows(handgrad, monkeypatch, size):
    needs("onnxruntime")
    model = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, *size), 2))
    model.preprocessing = preset_named("light", model.shape)
    model.save("m.safetensors")
    monkeypatch.setattr(ink, "min", lambda _: 3, raising=False)
    ended = handgrad("export", "m.safetensors", "--onnx", "m.onnx", "--raw")
    assert ended.status == 1
    assert "the logits of ONNX Runtime differ by" in ended.err


def test_the_preset_light_inverts_only_some_images():
    light = preset_named("light", (1, 8, 8))
    turned = [
        not np.array_equal(light.apply(x), Grayscale()(x).transpose(2, 0, 1))
        for x in sheets(60, (8, 8), np.random.default_rng(0))
    ]
    assert 20 < sum(turned) < 160  # both ways are asked above


@pytest.mark.parametrize(
    ("preset", "sentence"),
    [
        (
            "drawing",
            "has no operator for the step UndoUpscale (upscaling undone) of the preprocessing; "
            "export",
        ),
        (None, "the model has no preprocessing; export it without --raw"),
    ],
)
def test_preprocessing_that_onnx_does_not_support_is_refused(handgrad, preset, sentence):
    model = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 8, 8), 2))
    model.preprocessing = preset and preset_named(preset, (1, 8, 8))
    model.save("m.safetensors")
    ended = handgrad("export", "m.safetensors", "--onnx", "m.onnx", "--raw")
    assert (ended.status, ended.out) == (1, "")
    assert sentence in ended.err


def test_names_and_temperature_are_in_the_graph(handgrad):
    onnxruntime = needs("onnxruntime")
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    model = hg.Classifier(net, ["cat", "dog"])
    model.calibration = hg.Calibration(temperature=3.0)
    model.save("m.safetensors")
    assert handgrad("export", "m.safetensors", "--onnx", "m.onnx").status == 0
    X = read_bundle("m.safetensors").golden.images
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    _, p, label = session.run(None, {"images": X})
    assert p == pytest.approx(model.predict_proba(X), abs=1e-6)
    assert label.tolist() == model.predict(X).tolist()


def test_a_file_with_different_outputs_is_refused(handgrad, trained, monkeypatch):
    monkeypatch.setattr(golden, "run_onnx", lambda _, X: np.zeros((len(X), 10)))
    ended = handgrad("export", trained, "--onnx", "m.onnx")
    assert ended.status == 1
    assert "the logits of ONNX Runtime differ by" in ended.err


def test_a_program_and_a_state_dict_for_pytorch(handgrad, trained, bundle):
    torch = needs("torch")
    assert (
        handgrad("export", trained, "--torch", "m.pt2").out == "wrote the PyTorch model to m.pt2\n"
    )
    extra = {"handgrad.classes": "", "handgrad.digest": ""}
    program = torch.export.load("m.pt2", extra_files=extra).module()
    assert json.loads(extra["handgrad.classes"]) == list(range(10))
    assert json.loads(extra["handgrad.digest"]) == bundle.digest
    for count in (1, 5):
        X = bundle.golden.images[:count]
        logits = program(torch.from_numpy(X)).detach().numpy()
        assert golden.difference(logits, bundle.classifier.logits(X)) < 1e-5
    assert handgrad("export", trained, "--torch", "m.pt").status == 0
    state = torch.load("m.pt", weights_only=True)
    assert {name: value.numpy().tolist() for name, value in state.items()} == {
        name: value.tolist() for name, value in bundle.classifier.network.arrays.items()
    }


def test_a_folder_for_the_hub(handgrad, trained, bundle, tmp_path):
    ended = handgrad("export", trained, "--hub", "hub")
    assert (ended.status, ended.out) == (0, "wrote the model and its model card to hub\n")
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


def test_an_earlier_folder_is_overwritten(handgrad, trained, tmp_path):
    hub = tmp_path / "hub"
    (hub / ".git").mkdir(parents=True)
    (hub / ".git/HEAD").write_text("ref: refs/heads/main")
    assert handgrad("export", trained, "--hub", "hub").status == 2  # somebody's, and not ours
    for path in (".git/HEAD", ".git"):
        (hub / path).unlink() if path.endswith("HEAD") else (hub / path).rmdir()
    assert handgrad("export", trained, "--hub", "hub").status == 0  # it was empty
    assert (hub / "preprocessor_config.json").exists()
    (hub / "notes.txt").write_text("mine")
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    model = hg.Classifier(net, ["cat", "dog"])
    model.save("other.safetensors")
    assert handgrad("export", "other.safetensors", "--hub", "hub").status == 0
    assert json.loads((hub / "config.json").read_text())["id2label"] == {"0": "cat", "1": "dog"}
    assert not (hub / "preprocessor_config.json").exists()  # that was the other model's
    assert (hub / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("config", [None, "{}", "[]", '{"library_name": "transformers"}', "\xff"])
def test_a_folder_with_other_files_is_not_changed(handgrad, trained, tmp_path, config):
    (tmp_path / "README.md").write_text("mine")
    if config is not None:
        (tmp_path / "config.json").write_text(config, encoding="latin-1")
    ended = handgrad("export", trained, "--hub", ".")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "error: . contains other files, which would be overwritten; choose a new folder\n"
    )
    assert (tmp_path / "README.md").read_text() == "mine"
    assert len([*tmp_path.iterdir()]) == 1 + (config is not None)
    assert handgrad("export", trained, "--hub", trained).status == 2
    assert not (trained / "README.md").exists()


@pytest.mark.parametrize(
    "words", [("--hub", "hub"), ("--onnx", "m.onnx"), ("--torch", "m.pt2"), ("--torch", "m.pt")]
)
def test_a_class_name_that_cannot_be_encoded_leaves_no_partial_output(handgrad, tmp_path, words):
    if "--torch" in words:
        needs("torch")
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    model = hg.Classifier(net, ["cat", "\udce9t"])
    model.save("m.safetensors")
    ended = handgrad("export", "m.safetensors", *words)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "error: the name of the class '\\udce9t' is not valid text; rename it and train again\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_the_model_card_supports_any_data_name(handgrad, tmp_path):
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)
    model = hg.Classifier(net, ["cat", "dog"])
    model.save("m.safetensors", {"data": {"name": "d\udce9t"}})
    assert handgrad("export", "m.safetensors", "--hub", "hub").status == 0
    assert r"| trained on | d\udce9t |" in (tmp_path / "hub/README.md").read_text("utf-8")


def test_an_unwritable_path_gives_a_one_sentence_error(handgrad, trained, tmp_path):
    (tmp_path / "file").write_text("")
    for place in ("file", "file/hub"):
        ended = handgrad("export", trained, "--hub", place)
        assert ended.err.startswith(f"error: {place}: cannot be written (")


def test_the_input_model_is_not_overwritten(handgrad, trained, tmp_path):
    content = (trained / "model.safetensors").read_bytes()
    (tmp_path / "m.onnx").write_bytes(content)
    ended = handgrad("export", "m.onnx", "--onnx", "m.onnx")
    assert (ended.status, (tmp_path / "m.onnx").read_bytes()) == (2, content)
    assert ended.err == "error: m.onnx is an input file; choose a different output file\n"
    page = handgrad("explain-step", "m.onnx", "--html", "m.onnx")
    assert (page.status, (tmp_path / "m.onnx").read_bytes()) == (2, content)


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ([], 2, "nothing to write; give --onnx, --torch, --hub, --html or --c"),
        (
            ["--hub", "hub", "--raw"],
            2,
            "--raw applies to the ONNX graph only; give --onnx FILE.onnx",
        ),
        (
            ["--hub", ""],
            2,
            "the name of the output folder is empty; give a name, or . for the current folder",
        ),
        (
            ["--hub", "hub", "--name", "a"],
            2,
            "--name applies to the C header only; give --c FILE.h",
        ),
        (["--hub", "hub", "--int8"], 2, "--int8 applies to the C header only; give --c FILE.h"),
        (["--c", "m.h", "--max-accuracy-loss", "1"], 2, "applies to integers only; give --int8"),
        (["--c", "m.c"], 1, "m.c: the name of a C header must end in .h"),
        (["--c", "m.h", "--name", "a b"], 2, "'a b' cannot begin the names in C; use at most 40"),
        (["--onnx", "m.bin"], 1, "m.bin: the name of an ONNX file must end in .onnx"),
        (["--torch", "m.bin"], 1, "m.bin: a PyTorch file must be named something.pt2, or .pt"),
    ],
)
def test_failures(handgrad, trained, words, status, sentence):
    if "--torch" in words:
        needs("torch")
    ended = handgrad("export", trained, *words)
    assert (ended.status, ended.out) == (status, "")
    assert sentence in ended.err


def test_a_c_header_is_written_and_tested(handgrad, trained, bundle, monkeypatch):
    ended = handgrad("export", trained, "--c", "digits.h", "--name", "digits")
    assert (ended.status, ended.err) == (0, "")
    wrote, flash, ram, work, tested = ended.out.splitlines()
    weights = 4 * sum(array.size for array in bundle.classifier.network.arrays.values())
    assert wrote == "wrote the C header to digits.h"
    assert f"flash      {weights:,} bytes of weights" in flash
    assert ram.startswith("RAM        ")
    adds = bundle.classifier.network.summary().multiply_adds
    assert work == f"work       {adds:,} multiply-adds"
    count = len(bundle.golden.images)
    assert tested.startswith(f"{count} of {count} answers as on the day it was saved")
    assert "void digits_predict(" in Path("digits.h").read_text()
    monkeypatch.setattr(compiler, "run_test", lambda _: (1, "5 of 6 answers"))
    ended = handgrad("export", trained, "--c", "net.h")
    assert ended.status == 1
    assert "net.h: 5 of 6 answers; do not use this file" in ended.err


def test_a_c_header_with_integers_states_what_they_cost(handgrad, trained):
    ended = handgrad("export", trained, "--c", "net.h", "--int8")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert any(line.startswith("validation accuracy ") for line in lines)
    assert any(line.startswith("test       accuracy ") for line in lines)
    assert "layer 1 Dense: noise " in ended.out
    assert lines[-1].endswith("largest difference 0.0e+00")
    header = Path("net.h").read_text()
    assert all(f" * {line}\n" in header for line in lines if "accuracy" in line)


def test_integers_that_cost_too_much_are_refused(handgrad, trained, monkeypatch):
    monkeypatch.setattr(cost.Cost, "points", 0.7)
    ended = handgrad("export", trained, "--c", "net.h", "--int8", "--max-accuracy-loss", "0.6")
    assert (ended.status, Path("net.h").exists()) == (1, False)
    assert "more than the 0.6 of --max-accuracy-loss; export float32 numbers" in ended.err
    assert handgrad("export", trained, "--c", "net.h", "--int8").status == 1
    words = ("--int8", "--max-accuracy-loss", "0.8")
    assert handgrad("export", trained, "--c", "net.h", *words).status == 0
