"""The classifier in JavaScript gives Python's answers, from the same model file."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.calibration import calibrate
from handgrad.classifier import read_bundle
from handgrad.layers import BatchNorm, Conv2d, Dense, Flatten, MaxPool2d, Normalize, ReLU, Tanh
from handgrad.ood import OodScore, fit_ood
from handgrad.prediction.answers import Prediction, predict_batch
from handgrad.prediction.read import Batch
from handgrad.preprocess import Preprocessing, drawing, light, plain, version1
from tests.web.runtime import images
from tests.web.runtime.prepared import as_image, as_text, runtime, typed, with_fault
from tests.web.runtime.v8 import JavaScriptError

NETWORKS = {
    "linear": [Flatten(), Dense()],
    "dense": [Normalize(), Flatten(), Dense(30), ReLU(), Dense()],
    "conv": [
        *(Normalize(), Conv2d(6, 3), BatchNorm(), ReLU(), MaxPool2d(2), Flatten()),
        *(Dense(16), Tanh(), Dense()),
    ],
    "float64": [Flatten(), Dense(12), Tanh(), Dense()],
}
PREPROCESSING = {
    "linear": plain((1, 8, 8)),
    "dense": drawing(8),
    "conv": light((1, 8, 8)),
    "float64": None,
}
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}


@cache
def trained(name: str) -> hg.Classifier:
    """Return a small classifier of the digits with calibration, threshold and score."""
    data, _ = hg.load_data("digits")
    train, validation = data.split(0.2, 0)
    dtype = np.float64 if name == "float64" else np.float32
    model = hg.Classifier.for_data(NETWORKS[name], train, dtype=dtype)
    hg.fit(model, train, epochs=4, validation=None, engine="reference")
    Z = model.logits(validation.images)
    model.calibration = calibrate(Z, validation.labels, precision=0.99)
    model.ood = fit_ood(model.network, train, validation, Z)
    model.preprocessing = PREPROCESSING[name]
    return model


@pytest.fixture(params=NETWORKS)
def model(request, tmp_path):
    """Return a classifier that JavaScript has loaded, too."""
    found = trained(request.param)
    load(found, tmp_path / "model.safetensors")
    return found


def load(model: hg.Classifier, path: Path, js=None) -> None:
    """Save a classifier, and load the file in JavaScript."""
    model.save(path, golden=hg.load_data("digits")[1].images[:9])
    classes = (js or runtime()).call("load", file=as_text(path.read_bytes()), label=path.name)
    assert tuple(classes) == model.classes


def check(found: dict, expected: Prediction, Z: np.ndarray, score: float | None) -> None:
    """Check an answer of JavaScript against Python's answer, logits (K,) and score."""
    limit = TOLERANCE[Z.dtype.name]
    _, logits, probabilities = found["lists"]
    assert logits == pytest.approx(Z.tolist(), abs=limit * float(np.abs(Z).max()))
    ranked = dict(expected.top)
    assert dict(map(tuple, found["top"])) == pytest.approx(ranked, abs=limit)
    assert sorted(probabilities, reverse=True) == [p for _, p in found["top"]]
    assert found["predicted"] == expected.predicted
    assert found["index"] == int(Z.argmax())
    assert found["reason"] == expected.reason
    assert found["is_confident"] == expected.is_confident
    if score is None:
        assert found["score"] is None
    else:
        assert found["score"] == pytest.approx(score, abs=1e-5)


def answers(model: hg.Classifier, X: np.ndarray, problems: list[str]) -> list[Prediction]:
    """Return Python's answers for inputs of the network."""
    names = [""] * len(X)
    batch = Batch(names, [None] * len(X), names, X, problems)
    return predict_batch(model, batch, None, one_by_one=True)


def scores(model: hg.Classifier, X: np.ndarray, Z: np.ndarray) -> list[float | None]:
    """Return Python's out-of-distribution scores.

    The distance is computed in float64, as in JavaScript: in float32, the difference of two nearly
    equal sums has rounding errors of up to 3e-5. The reasons are those of the float32 scores.
    """
    if model.ood is None:
        return [None] * len(X)
    names = ("means", "directions", "variances", "noise")
    arrays = {name: getattr(model.ood, name).astype(np.float64) for name in names}
    return replace(model.ood, **arrays).scores(model.network, X, Z).tolist()


def compare_inputs(model: hg.Classifier, X: np.ndarray) -> list[str]:
    """Compare the answers for an array of images, and return the reasons."""
    found = runtime().call("predict_inputs", X=typed(X), pixel_range=None)
    pixels = model.pixels(X)
    Z = model.logits(X)
    expected = answers(model, pixels, [""] * len(X))
    for one, answer, z, score in zip(found, expected, Z, scores(model, pixels, Z), strict=True):
        check(one, answer, z, score)
    return [one["reason"] for one in found]


def test_the_answers_for_test_images(model):
    _, test = hg.load_data("digits")
    reasons = compare_inputs(model, test.images[:120])
    assert "unsure" in reasons
    assert len(set(reasons)) > 1
    compare_inputs(model, test.images[:20] / np.float32(255))


def test_the_answers_for_images_unlike_the_training_data(model):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 1, 8, 8), np.uint8)
    blank = np.stack([np.full((1, 8, 8), value, np.uint8) for value in (0, 9, 255)])
    assert "unlike the training data" in compare_inputs(model, np.concatenate([noise, blank]))


def test_the_answers_for_drawn_images(model):
    preprocessing = model.preprocessing or plain((1, 8, 8))
    found_problems = set()
    for k, kind in enumerate(images.KINDS):
        rng = np.random.default_rng(k)
        X = images.image(kind, (60 + 9 * k, 140 - 11 * k), 4, images.ALPHAS[k % 4], rng)
        found = runtime().call("predict", image=as_image(X))
        pixels, problem = preprocessing.check(X)
        pixels = pixels[None]
        Z = model.logits(pixels, pixel_range="raw")
        (expected,) = answers(model, pixels, [problem or ""])
        check(found, expected, Z[0], scores(model, pixels, Z)[0])
        assert found["problem"] == problem
        assert found["lists"][0] == pixels.ravel().tolist()
        assert found["titles"] == [title for title, _ in preprocessing.stages(X)]
        found_problems.add(problem)
    assert len(found_problems) > 1 or model.preprocessing in (None, PREPROCESSING["linear"])


def test_golden_raw_images_give_the_stored_logits(tmp_path):
    for name in ("linear", "dense", "conv"):
        load(trained(name), tmp_path / "model.safetensors")
        golden = read_bundle(tmp_path / "model.safetensors").golden
        for raw, image, logits in zip(golden.raw, golden.images, golden.logits, strict=False):
            found = runtime().call("predict", image=as_image(raw))["lists"]
            assert found[0] == image.ravel().tolist()
            assert found[1] == pytest.approx(
                logits.tolist(), abs=1e-5 * float(np.abs(logits).max())
            )


def test_a_classifier_without_calibration_and_score(tmp_path):
    network = trained("dense").network
    bare = hg.Classifier(network, [f"class {k}" for k in range(10)])
    load(bare, tmp_path / "bare.safetensors")
    _, test = hg.load_data("digits")
    assert set(compare_inputs(bare, test.images[:30])) == {""}


def test_a_threshold_of_one_is_compared_in_float32(tmp_path):
    model = trained("dense")
    sure = hg.Classifier(model.network, calibration=hg.Calibration(0.01, 1.0))
    load(sure, tmp_path / "sure.safetensors")
    _, test = hg.load_data("digits")
    assert set(compare_inputs(sure, test.images[:60])) == {"", "unsure"}


def test_a_score_of_colour_images(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (80, 3, 9, 13), np.uint8)
    data = hg.Dataset(X, np.arange(80) % 4, range(4), "colours")
    model = hg.Classifier.for_data([Flatten(), Dense()], data)
    Z = model.logits(X)
    model.ood = fit_ood(model.network, data, data, Z)
    model.save(tmp_path / "model.safetensors")
    file = as_text((tmp_path / "model.safetensors").read_bytes())
    runtime().call("load", file=file, label="model")
    compare_inputs(model, X[:20])
    compare_inputs(model, X[:20].transpose(0, 2, 3, 1))


def test_an_old_preprocessing_is_refused_with_the_command_that_upgrades_it(tmp_path):
    steps = (version1.KINDS["CompositeAlpha"](), version1.KINDS["Grayscale"]())
    resize = version1.KINDS["Resize"](8, 8)
    old = hg.Classifier(
        trained("linear").network, preprocessing=Preprocessing((1, 8, 8), (*steps, resize))
    )
    with pytest.raises(JavaScriptError, match=r"old\.safetensors: .*`handgrad upgrade") as error:
        load(old, tmp_path / "old.safetensors")
    assert error.value.kind == "ModelError"


@pytest.mark.usefixtures("model")
def test_images_of_another_shape_are_refused():
    with pytest.raises(JavaScriptError, match=r"takes images \(N, 1, 8, 8\)"):
        runtime().call("predict_inputs", X=typed(np.zeros((2, 1, 7, 8), np.uint8)))


# A changed description that Python refuses as well.
DAMAGE = {
    "calibration": ('"temperature": ', '"heat": '),
    "temperature": ('"temperature": ', '"temperature": -'),
    "threshold": ('"threshold": ', '"threshold": 9'),
    "pixel range": ('"low": 0', '"low": 300'),
    "score": ('"ood": {"kind": "', '"ood": {"kind": "x'),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_description_that_is_not_consistent_is_refused(name, tmp_path, monkeypatch):
    from handgrad.classifier import model_file

    right, wrong = DAMAGE[name]
    dumps = model_file.json.dumps

    def changed(value):
        text = dumps(value)
        if '"format"' not in text:
            return text
        assert text.count(right) == 1
        return text.replace(right, wrong)

    path = tmp_path / "model.safetensors"
    monkeypatch.setattr(model_file.json, "dumps", changed)
    trained("dense").save(path)
    monkeypatch.undo()
    with pytest.raises(hg.ModelError):
        hg.load_model(path)
    file = as_text(path.read_bytes())
    with pytest.raises(JavaScriptError, match=r"model\.safetensors: ") as error:
        runtime().call("load", file=file, label=path.name)
    assert error.value.kind == "ModelError"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("means", lambda a: a[:, 1:]),
        ("noise", lambda a: -a),
        ("variances", lambda a: -a - 1),
        ("scaling", lambda a: -a),
    ],
)
def test_an_array_of_a_score_that_does_not_fit_is_refused(name, change, tmp_path, monkeypatch):
    model, key = trained("linear"), f"ood.{name}"
    arrays = model.ood.named_arrays()
    arrays[key] = np.ascontiguousarray(change(arrays[key]))
    monkeypatch.setattr(OodScore, "named_arrays", lambda _: arrays)
    with pytest.raises(JavaScriptError, match=r"ood\.|out-of-distribution") as error:
        load(model, tmp_path / "model.safetensors")
    assert error.value.kind == "ModelError"


# One error in each module: what is replaced, and by what.
FAULTS = {
    "calibration.js": ("(z) => z / T", "(z) => z * T"),
    "pixel_range.js": ("255 / span)", "256 / span)"),
    "ood.js": ("rest -= c * c", "rest -= c"),
    "classifier.js": ("this.ood.is_unlike(s)", "!this.ood.is_unlike(s)"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name, tmp_path, monkeypatch):
    js = with_fault(tmp_path / "runtime", name, *FAULTS[name])
    monkeypatch.setitem(globals(), "runtime", lambda: js)
    model = trained("dense")
    load(model, tmp_path / "model.safetensors", js)
    _, test = hg.load_data("digits")
    with pytest.raises(AssertionError):
        compare_inputs(model, test.images[:20].astype(np.uint16) * 257)
