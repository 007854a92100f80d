"""Models trained on images of one range answer alike for images of every other range."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.cli.app import app
from handgrad.export.verify import run_onnx
from handgrad.pixel_range import BYTES, PixelRange, as_bytes
from tests.extras import without
from tests.test_pixel_range import COARSE, FORMS, KNOWN

SOME = ["uint8", "uint16", "int64", "float -1..1", "bool"]
DATA = hg.load_data("digits")
MODELS: dict[tuple[str, str], Any] = {}


def raw(form: str, data: hg.Dataset) -> NDArray[Any]:
    """Return the images of a data set, (N, H, W), as another program stores them."""
    return KNOWN[form][0](data.images[:, 0])


def trained(form: str) -> hg.Classifier:
    """Return a classifier that was trained on digits of one range."""
    if ("classifier", form) not in MODELS:
        train = hg.Dataset.from_arrays(raw(form, DATA[0]), DATA[0].labels)
        model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
        hg.fit(model, train, epochs=4, optimizer=hg.AdamW(0.01), engine="reference")
        MODELS["classifier", form] = model
    return MODELS["classifier", form]


def estimator(form: str) -> hg.HandgradClassifier:
    """Return an estimator that was trained on digits of one range; rows without a shape."""
    if ("estimator", form) not in MODELS:
        rows = raw(form, DATA[0]).reshape(-1, 64)
        found = hg.HandgradClassifier("softmax-regression", epochs=4, random_state=0)
        MODELS["estimator", form] = found.set_params(engine="reference").fit(rows, DATA[0].labels)
    return MODELS["estimator", form]


def accuracy(labels: NDArray[Any]) -> float:
    return float((labels == DATA[1].labels).mean())


def expected(network: hg.Network, form: str) -> float:
    """Return the accuracy for 8-bit images that have lost as much as those of a range."""
    images = DATA[1].images
    if form in COARSE:
        images = as_bytes(COARSE[form][1].pixels(COARSE[form][0](images)))
    logits = network.logits(images.reshape(-1, *network.shape))
    return accuracy(logits.argmax(axis=1))


@pytest.mark.parametrize(
    ("form", "other"),
    [
        (a, b) if {a, b} <= set(SOME) else pytest.param(a, b, marks=pytest.mark.slow)
        for a in KNOWN
        for b in KNOWN
    ],
)
def test_all_combinations_of_ranges(form: str, other: str) -> None:
    """Python, evaluate and the estimator: within 0.2 points, or one sentence."""
    model, rows = trained(form), estimator(form)
    X = raw(other, DATA[1])
    if other == "uint16 0..4095" and form != other:
        with pytest.raises(hg.DataError, match="do not show whether their range is"):
            model.predict(X)
        with pytest.raises(ValueError, match="do not show whether their range is"):
            rows.predict(X.reshape(-1, 64))
        X, other = DATA[1].images[:, 0], "uint8"
    # White is 15 of 16 if images of 0..15 are taken for those of 0..16: one image may differ.
    apart = 0.003 if "0..15" in form + other and "0..16" in form + other else 0.002
    wanted = expected(model.network, other)
    assert accuracy(model.predict(X)) == pytest.approx(wanted, abs=apart)
    found = hg.evaluate(model, hg.Dataset.from_arrays(X, DATA[1].labels))
    assert found.accuracy == pytest.approx(wanted, abs=apart)
    wanted = expected(rows.classifier_.network, other)
    assert accuracy(rows.predict(X.reshape(-1, 64))) == pytest.approx(wanted, abs=apart)


@pytest.mark.parametrize("form", ["float 0..16", "int64", "float -1..1"])
def test_the_saved_model_has_the_range(form: str, tmp_path: Path) -> None:
    trained(form).save(tmp_path / "m.safetensors")
    back = hg.load_model(tmp_path / "m.safetensors")
    assert back.pixel_range == KNOWN[form][1]
    X = raw("float 0..255", DATA[1])
    assert np.array_equal(back.predict(X), trained(form).predict(X))


@pytest.mark.parametrize("form", ["uint8", "float32 0..1", "float -1..1", "float 0..16"])
@without("onnxruntime")
def test_the_onnx_graph_takes_8_bit_images_and_refuses_others(form: str, tmp_path: Path) -> None:
    from handgrad.export.onnx import to_onnx

    model = trained(form)
    model.save(tmp_path / "m.safetensors", golden=model.pixels(raw(form, DATA[1])))
    graph = to_onnx(read_bundle(tmp_path / "m.safetensors")).SerializeToString()
    Z = run_onnx(graph, DATA[1].images)
    assert pytest.approx(model.logits(DATA[1].images), abs=1e-4) == Z
    assert np.array_equal(Z.argmax(axis=1), model.predict(raw(form, DATA[1])))
    for other in ("float32 0..1", "int64", "uint16", "bool", "float -1..1"):
        with pytest.raises(Exception, match="Unexpected input data type"):
            run_onnx(graph, KNOWN[other][0](DATA[1].images))


def test_image_files_are_answered_as_the_rows_of_an_estimator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.rint(DATA[0].images.reshape(-1, 64) * (16 / 255))
    fitted = hg.HandgradClassifier(image_shape=(8, 8), epochs=3, random_state=0)
    fitted.fit(rows, DATA[0].labels)
    fitted.classifier_.save(tmp_path / "m.safetensors")
    files = [str(tmp_path / f"{n}.png") for n in range(10)]
    for x, file in zip(DATA[0].images, files, strict=False):
        Image.fromarray(x[0]).save(file)
    with pytest.raises(SystemExit):
        app(["predict", str(tmp_path / "m.safetensors"), *files, "--json"], prog_name="handgrad")
    found = json.loads(capsys.readouterr().out)["predictions"]
    p = fitted.predict_proba(rows[:10])
    assert [answer["predicted"] for answer in found] == p.argmax(axis=1).tolist()
    assert [answer["probabilities"][0]["p"] for answer in found] == pytest.approx(p.max(axis=1))


def standardized() -> tuple[hg.Classifier, NDArray[np.float64]]:
    """Return a classifier that was trained on standardized images, and images like these."""
    X = (DATA[0].images[:, 0] - 78.0) / 96.0
    train = hg.Dataset.from_arrays(X, DATA[0].labels)
    assert not train.pixel_range.is_known
    model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
    hg.fit(model, train, epochs=4, optimizer=hg.AdamW(0.01), engine="reference")
    return model, (DATA[1].images[:, 0] - 78.0) / 96.0


def test_values_of_an_unknown_range_are_used_as_they_are(tmp_path: Path) -> None:
    model, X = standardized()
    assert accuracy(model.predict(X)) > 0.85
    for form in FORMS:
        with pytest.raises(hg.DataError, match="were used as they are"):
            model.predict(raw(form, DATA[1]))
    with pytest.raises(hg.DataError, match=r"digits test: the values -0\.8125\.\.1\.84375 of"):
        hg.evaluate(model, DATA[1])
    model.save(tmp_path / "m.safetensors")
    bundle = read_bundle(tmp_path / "m.safetensors")
    assert bundle.classifier.pixel_range == model.pixel_range
    assert bundle.golden.images.dtype == np.float32
    assert bundle.golden.images.min() == pytest.approx(-0.8125, abs=0.05)


def test_a_given_range_is_used() -> None:
    model = trained("uint8")
    percent = DATA[1].images / 2.55
    with pytest.raises(
        hg.DataError, match=r"give the values of black and white, such as pixel_range=\(0"
    ):
        trained("float32 0..1").predict(percent)
    wanted = model.predict_proba(DATA[1])
    assert model.predict_proba(percent, pixel_range=(0, 100)) == pytest.approx(wanted, abs=1e-5)
    dark = DATA[1].images // 20
    with pytest.raises(hg.DataError, match=r"do not show whether their range is 0\.\.255"):
        model.predict(dark)
    found = model.logits(dark, pixel_range=BYTES)
    assert found == pytest.approx(model.network.logits(dark), abs=1e-5)
    canonical = DATA[1].images / np.float32(255)
    found = model.logits(canonical, pixel_range="raw")
    assert found == pytest.approx(model.network.logits(canonical), abs=1e-5)


def test_channels_may_come_last() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (20, 6, 5, 3), np.uint8), np.arange(20) % 2
    train = hg.Dataset.from_arrays(X, y)
    assert train.shape == (3, 6, 5)
    model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
    assert np.array_equal(model.logits(X), model.logits(train))
    assert np.array_equal(model.logits(X / 255), model.logits(train.images / 255))


def test_a_classifier_without_a_range_gets_that_of_its_training_images() -> None:
    network = hg.Network(hg.models.softmax_regression(), (1, 8, 8), 10)
    model = hg.Classifier(network)
    floats = raw("float -1..1", DATA[1])
    assert np.array_equal(model.logits(floats), network.logits(floats))
    ints = raw("int64", DATA[1])
    assert np.array_equal(model.logits(ints), network.logits(DATA[1].images))
    hg.fit(model, DATA[0], epochs=1, engine="reference")
    assert model.pixel_range == PixelRange(0, 255)
    assert model.logits(floats) == pytest.approx(network.logits(DATA[1].images), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("form", KNOWN)
def test_the_command_line_answers_alike_for_all_ranges(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An NPZ file is trained on, and NPZ files of all ranges and PNG files are predicted."""
    monkeypatch.chdir(tmp_path)
    train, test = DATA

    def call(*words: str) -> dict[str, Any]:
        with pytest.raises(SystemExit) as ended:
            app([*words, "--json", "--quiet"], prog_name="handgrad")
        out, err = capsys.readouterr()
        assert ended.value.code in (0, None), err
        return json.loads(out)

    data = {"x_train": raw(form, train), "y_train": train.labels}
    np.savez("data.npz", **data, x_test=raw(form, test), y_test=test.labels)
    words = ["--model", "softmax-regression", "--epochs", "4", "--engine", "reference"]
    call("train", "data.npz", *words, "--no-figures", "--no-calibrate", "--out", "run")
    network = hg.load_model(tmp_path / "run").network
    for other in KNOWN:
        np.savez("other.npz", x=raw(other, test), y=test.labels)
        if other == "uint16 0..4095" and form != other:
            with pytest.raises(AssertionError, match="do not show whether their range is"):
                call("evaluate", "run", "--data", "./other.npz")
            continue
        found = call("evaluate", "run", "--data", "./other.npz")
        assert found["accuracy"] == pytest.approx(expected(network, other), abs=0.002)
    for n, x in enumerate(test.images[:40]):
        Image.fromarray(x[0]).save(f"{n}.png")
    answers = call("predict", "run", *(f"{n}.png" for n in range(40)))["predictions"]
    wanted = network.logits(test.images[:40]).argmax(axis=1)
    assert [answer["predicted"] for answer in answers] == wanted.tolist()
