"""A model whose training arrays were preprocessed preprocesses every image in the same way."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.cli.app import app
from handgrad.javascript import bundle
from handgrad.preprocess import drawing
from handgrad.runs import load_ood, load_validation
from handgrad.runs.trained_on import image_digests
from tests.cli.test_train_run import assert_same_run, interrupt
from tests.extras import needs
from tests.web.runtime.v8 import FOLDER

SIDE, COUNT, NEW = 24, 60, 12
TRAIN = (
    *("--model", "two-layer", "--lr", "0.003", "--epochs", "12", "--validation", "0.5"),
    *("--batch-size", "8", "--engine", "reference"),
    *("--preprocessing", "drawing", "--size", "16", "--no-figures", "-q"),
)


def drawings(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of a dark cross or box, somewhere on light paper, (N, H, W), and labels."""
    rng = np.random.default_rng(seed)
    X, y = np.full((count, SIDE, SIDE), 240, np.uint8), np.arange(count) % 2
    for x, k in zip(X, y, strict=True):
        size = int(rng.integers(9, 13))
        top, left = rng.integers(1, SIDE - size, 2)
        part = x[top : top + size, left : left + size]
        if k:
            part[size // 2] = part[:, size // 2] = rng.integers(20, 60)
        else:
            part[[0, -1]] = part[:, [0, -1]] = rng.integers(20, 60)
    return X, y


def write_csv(path: str, X: np.ndarray, y: np.ndarray) -> None:
    """Write one row per image, with the label in the first column."""
    header = ",".join(["label", *(f"pixel{n}" for n in range(X[0].size))])
    rows = np.column_stack([y, X.reshape(len(X), -1)])
    np.savetxt(path, rows, "%d", delimiter=",", header=header, comments="")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on an NPZ file of drawings, write new drawings in each form, and return the folder."""
    folder = tmp_path_factory.mktemp("arrays")
    with contextlib.chdir(folder):
        X, y = drawings(0, COUNT)
        np.savez("drawings.npz", x=X, y=y)
        with pytest.raises(SystemExit) as ended:
            app(["train", "./drawings.npz", *TRAIN, "--out", "run"], prog_name="handgrad")
        assert not ended.value.code
        X, y = drawings(1, NEW)
        np.savez("new.npz", x=X, y=y)
        write_csv("new.csv", X, y)
        for n, (x, k) in enumerate(zip(X, y, strict=True)):
            place = Path("new", str(k))
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x).save(place / f"{n:02}.png")
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> hg.Classifier:
    """Copy the run and the new drawings into the current folder, and return the model."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    bundle = read_bundle("run")
    bundle.about["data"]["name"] = str(tmp_path / "drawings.npz")
    bundle.classifier.save("run/model.safetensors", bundle.about, golden=bundle.golden)
    return bundle.classifier


def expected(model: hg.Classifier) -> np.ndarray:
    """Return the probabilities of the new drawings, preprocessed one by one."""
    inputs = np.stack([drawing(16).apply(x) for x in drawings(1, NEW)[0]])
    Z = model.network.logits(inputs)
    return (model.calibration or hg.Calibration()).probabilities(Z)


def as_files() -> tuple[list[Path], list[int]]:
    paths = sorted(Path("new").rglob("*.png"), key=lambda path: path.name)
    return paths, [int(path.parent.name) for path in paths]


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "uint8": lambda X: X,
    "with an axis for the channel": lambda X: X[:, None],
    "channels last": lambda X: X[..., None],
    "colour": lambda X: np.repeat(X[:, None], 3, axis=1),
    "floats 0..1": lambda X: (X / 255).astype(np.float32),
    "int64": lambda X: X.astype(np.int64),
    "uint16": lambda X: X * np.uint16(257),
    "a list": lambda X: X.tolist(),
    "a data set": lambda X: hg.Dataset.from_arrays(X, drawings(1, NEW)[1]),
    "a data set of floats": lambda X: hg.Dataset.from_arrays(X / 255, drawings(1, NEW)[1]),
}


def test_an_image_has_the_same_answer_in_every_form(run: hg.Classifier) -> None:
    X, y = drawings(1, NEW)
    p = expected(run)
    assert run.preprocesses_arrays
    assert (p.argmax(axis=1) == y).mean() > 0.8
    for name, form in FORMS.items():
        assert np.allclose(run.predict_proba(form(X)), p, atol=1e-5), name
    larger = np.pad(X, ((0, 0), (3, 9), (5, 0)), constant_values=240)
    assert np.array_equal(run.predict(larger), p.argmax(axis=1))  # of another size, off centre
    paths, labels = as_files()
    loaded = {
        "files": hg.Dataset.from_files(paths, labels, preprocessing=run.preprocessing),
        "npz": hg.load_data("./new.npz", preprocessing=run.preprocessing)[0],
    }
    assert np.allclose(run.predict_proba(loaded["files"]), p, atol=1e-5)
    assert loaded["files"].preprocessing == drawing(16)  # arrays are not meant by these
    for data in loaded.values():
        assert run.pixels(data) is data.images  # they are not preprocessed twice
        assert run.pixels(data.take([1])).shape == (1, 1, 16, 16)
    ready = drawing(16).apply_to_arrays(X[:, None])
    assert np.allclose(run.predict_proba(ready, pixel_range="raw"), p, atol=1e-5)


@pytest.mark.parametrize("source", ["new", "./new.npz", "./new.csv"])
def test_commands_give_the_same_answers_for_files_and_rows(
    source: str, run: hg.Classifier, handgrad: Any
) -> None:
    p, y = expected(run), drawings(1, NEW)[1]
    ended = handgrad("predict", "run", source, "--json", "-q")
    assert ended.status == 0, ended.err
    answers = json.loads(ended.out)["predictions"]
    if source == "new":  # the folder is read class by class
        answers.sort(key=lambda answer: Path(answer["image"]).name)
    found = [{e["label"]: e["p"] for e in answer["probabilities"]} for answer in answers]
    assert np.allclose([[one[0], one[1]] for one in found], p, atol=1e-4)
    ended = handgrad("evaluate", "run", "--data", source, "--json", "-q")
    scores = json.loads(ended.out)
    ready = drawing(16).apply_to_arrays(drawings(1, NEW)[0][:, None])
    seen = np.isin(image_digests(ready), np.load("run/training-images.npy"))
    assert (scores["images"], scores["trained_on"]) == (NEW, seen.sum())
    assert scores["correct"] == (p.argmax(axis=1) == y).sum()


@pytest.mark.usefixtures("run")
def test_a_blank_row_is_nothing_drawn_as_a_blank_file_is(handgrad: Any) -> None:
    X = np.full((2, SIDE, SIDE), 240, np.uint8)
    np.savez("blank.npz", x=X)
    Image.fromarray(X[0]).save("blank.png")
    ended = handgrad("predict", "run", "./blank.npz", "blank.png", "--json", "-q")
    reasons = [answer["reason"] for answer in json.loads(ended.out)["predictions"]]
    assert reasons == ["nothing drawn"] * 3


def test_the_data_of_the_run_are_preprocessed_again(run: hg.Classifier, handgrad: Any) -> None:
    about = read_bundle("run").about
    train, validation = load_validation(about, preprocessing=run.preprocessing)
    assert train.shape == validation.shape == (1, 16, 16)
    digests = image_digests(np.concatenate([train.images, validation.images]))
    assert np.array_equal(np.unique(digests), np.unique(np.load("run/training-images.npy")))
    scores = json.loads(handgrad("evaluate", "run", "--json", "-q").out)
    assert scores["accuracy"] == about["scores"]["test_accuracy"]
    assert handgrad("calibrate", "run", "-q").status == 0
    first = json.loads(handgrad("predict", "run", "0", "--json", "-q").out)["predictions"][0]
    _, test = hg.load_data("./drawings.npz", preprocessing=run.preprocessing)
    p = hg.load_model("run").predict_proba(test)[0]
    assert np.allclose([e["p"] for e in first["probabilities"]], np.sort(p)[::-1], atol=1e-4)
    others = load_ood("./new.npz", run)
    assert np.array_equal(others, drawing(16).apply_to_arrays(drawings(1, NEW)[0][:, None]))


def test_a_resumed_run_is_the_same(handgrad: Any) -> None:
    np.savez("drawings.npz", x=(data := drawings(0, COUNT))[0], y=data[1])
    words = ("./drawings.npz", *TRAIN, "--no-calibrate")
    assert handgrad("train", *words, "--out", "whole").status == 0
    assert interrupt(handgrad, *words, "--out", "parts", step=9).status == 130
    assert handgrad("train", "--resume", "parts", "-q").status == 0
    assert_same_run("whole", "parts")


@pytest.mark.parametrize("source", ["new", "./new.npz", "./new.csv"])
def test_continued_training_keeps_the_preprocessing(
    source: str, run: hg.Classifier, handgrad: Any
) -> None:
    ended = handgrad(
        *("train", source, "--from", "run", "--epochs", "1", "--batch-size", "4", "--no-figures"),
        *("--validation", "0", "--engine", "reference", "--out", "more"),
    )
    assert ended.status == 0, ended.err
    assert "used as they are" not in ended.err
    assert hg.load_model("more").preprocessing == run.preprocessing
    seen = np.load("more/training-images.npy")
    ready = drawing(16).apply_to_arrays(drawings(1, NEW)[0][:, None])
    assert np.isin(image_digests(ready), seen).sum() >= 0.7 * NEW  # a fifth is for the test


def test_a_model_is_trained_and_evaluated_on_arrays_in_python(run: hg.Classifier) -> None:
    X, y = drawings(2, 40)
    raw, ready = (
        hg.Dataset.from_arrays(images, y, run.classes)
        for images in (X, drawing(16).apply_to_arrays(X[:, None]))
    )
    networks = []
    for data in (raw, raw.preprocessed(run.preprocessing)):
        model = hg.load_model("run")
        hg.fit(model, data, epochs=1, batch_size=8, validation=0.2, engine="reference")
        networks.append(model.network.arrays)
    assert all(np.array_equal(x, networks[1][name]) for name, x in networks[0].items())
    Z = run.network.logits(ready.images)
    assert hg.evaluate(run, raw).correct == (Z.argmax(axis=1) == y).sum()
    assert np.allclose(hg.features(run, X), hg.features(run.network, ready.images))


def test_exports_say_that_arrays_are_preprocessed(run: hg.Classifier, handgrad: Any) -> None:
    onnxruntime = needs("onnxruntime")
    ended = handgrad("export", "run", "--onnx", "run.onnx", "--hub", "hub", "-q")
    assert ended.status == 0, ended.err
    assert "of files and of arrays" in ended.out
    session = onnxruntime.InferenceSession("run.onnx")
    described = session.get_modelmeta().custom_metadata_map["handgrad.preprocessing"]
    assert json.loads(described)["for_arrays"] is True
    assert json.loads(Path("hub/preprocessor_config.json").read_text())["for_arrays"] is True
    assert "arrays of any size" in Path("hub/README.md").read_text()
    ready = drawing(16).apply_to_arrays(drawings(1, NEW)[0][:, None])
    (p,) = session.run(["probabilities"], {"images": ready})
    assert np.allclose(p, expected(run), atol=1e-5)
    assert np.allclose(hg.load_model("hub/model.safetensors").predict_proba(drawings(1, NEW)[0]), p)


@pytest.mark.parametrize("for_arrays", [True, False])
def test_javascript_reads_whether_arrays_are_preprocessed(for_arrays: bool) -> None:
    v8 = needs("py_mini_racer").MiniRacer()
    v8.eval(bundle(FOLDER / "preprocess" / "preprocessing.js", "steps"))
    described = json.dumps(replace(drawing(16), for_arrays=for_arrays).to_json())
    assert v8.eval(f"steps.Preprocessing.from_json({described}).for_arrays") is for_arrays
    v8.close()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28, 3), np.uint8), "may be one image in colour"),
        (np.zeros((4, 784), np.uint8), "the images are rows"),
        (np.zeros((2, 2, 9, 9, 3), np.uint8), "images must be"),
        (np.array(["a"]), "images must be"),
        (np.linspace(-3, 5, 2 * 81).reshape(2, 9, 9), "do not show whether their range"),
    ],
)
def test_arrays_that_cannot_be_preprocessed_are_refused(
    images: np.ndarray, message: str, run: hg.Classifier
) -> None:
    with pytest.raises(hg.DataError, match=message):
        run.predict(images)


def test_arrays_of_no_known_range_are_not_preprocessed(handgrad: Any) -> None:
    X, y = drawings(0, COUNT)
    np.savez("standard.npz", x=(X / 255.0 - 0.5) / 0.3, y=y)
    ended = handgrad("train", "./standard.npz", *TRAIN, "--out", "run")
    assert ended.status == 1
    assert "no known range" in ended.err
    assert "Traceback" not in ended.err


def test_the_size_of_arrays_needs_a_preprocessing(handgrad: Any) -> None:
    X, y = drawings(0, COUNT)
    np.savez("drawings.npz", x=X, y=y)
    ended = handgrad("train", "./drawings.npz", "--size", "16")
    assert ended.status == 2
    assert "without a preprocessing, size applies to image files only" in ended.err
    words = (*TRAIN, "--preprocessing", "plain", "--size", "12", "--out", "small")
    assert handgrad("train", "./drawings.npz", *words).status == 0
    assert hg.load_model("small").shape == (1, 12, 12)
