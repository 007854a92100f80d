"""The endpoints of the view Inside return what Python's own functions return."""

import base64

import numpy as np
import pytest

import handgrad as hg
from handgrad.runs.config import RunConfig
from handgrad.web.edits import Edit, edited
from handgrad.web.projection import project
from handgrad.web.routes import inside
from handgrad.web.session import Session
from tests.web.asking import Asker, unpacked

EDITS = [
    {"kind": "off", "array": "1", "index": 3},
    {"kind": "prune", "value": 40},
    {"kind": "temperature", "value": 3},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return what asks for a model of digits, the model, and the test images."""
    config = RunConfig(data="digits", model="smallnet", figures=False)
    images, test = config.load_data(progress=False)
    model = hg.Classifier(config.network(images), images.classes)
    path = tmp_path_factory.mktemp("inside") / "model.safetensors"
    model.save(path, {"data": {"name": "digits"}}, golden=test.images)
    return Asker(inside.routes(Session(path))), hg.load_model(path), test


def test_the_lab_evaluates_the_edited_network(made):
    asker, model, test = made
    found = asker.post("/api/inside/lab", {"edits": EDITS})[1]
    assert found["images"] == len(test)
    new = edited(model, [Edit.model_validate(edit) for edit in EDITS])
    for name, classifier in {"before": model, "after": new}.items():
        own = hg.evaluate(classifier, test)
        assert found[name]["accuracy"] == own.accuracy
        assert found[name]["correct"] == own.correct
        assert found[name]["loss"] == pytest.approx(own.loss, rel=1e-6)
        p = classifier.predict_proba(test)
        assert found[name]["confidence"] == pytest.approx(p.max(axis=1).mean(), rel=1e-6)
    assert found["before"] != found["after"]


@pytest.mark.parametrize("layer", ["1", "8.body.0", "13"])
def test_the_most_exciting_images_have_the_largest_outputs(made, layer):
    asker, model, test = made
    edits = [] if layer == "1" else EDITS
    given = {"layer": layer, "index": 2, "edits": edits}
    found = asker.post("/api/inside/exciting", given)[1]
    new = edited(model, [Edit.model_validate(edit) for edit in edits])
    step = next(s for s in new.network.walk(test.images[:1], inner=True) if s.path == layer)
    outputs = hg.features(new.network, test.images, layer).reshape(len(test), step.Y.shape[1], -1)
    highest = outputs[:, 2].max(axis=1)
    chosen = np.argsort(-highest, kind="stable")[:8]
    assert found["index"] == chosen.tolist()
    assert found["values"] == pytest.approx(highest[chosen].tolist())
    assert found["mean"] == pytest.approx(highest.mean())
    assert found["labels"] == [str(test.classes[k]) for k in test.labels[chosen]]
    np.testing.assert_array_equal(unpacked(found["images"]), model.pixels(test.take(chosen)))


@pytest.mark.parametrize("layer", ["1", "13"], ids=["wide", "narrow"])
def test_a_map_has_the_principal_components_of_the_features(made, layer):
    asker, model, test = made
    image = model.pixels(test.take([99]))[0]
    packed = {
        "shape": list(image.shape),
        "dtype": image.dtype.name,
        "data": base64.b64encode(image.tobytes()).decode(),
    }
    found = asker.post("/api/inside/map", {"layer": layer, "image": packed})[1]
    X = hg.features(model.network, test.images[: inside.MAPPED], layer).astype(np.float64)
    X -= X.mean(axis=0)
    U, S, _ = np.linalg.svd(X, full_matrices=False)
    places = unpacked(found["places"])
    assert found["features"] == X.shape[1]
    assert found["labels"] == test.labels[: inside.MAPPED].tolist()
    assert found["explained"] == pytest.approx((S[:2] ** 2 / (S**2).sum()).tolist())
    for i in range(2):
        own = U[:, i] * S[i]
        np.testing.assert_allclose(np.abs(places[:, i]), np.abs(own), atol=1e-6 * np.abs(own).max())
        assert places[np.abs(places[:, i]).argmax(), i] > 0
    assert found["own"] == pytest.approx(places[99].tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("X", "explained"),
    [
        (np.ones((5, 3)), [0.0, 0.0]),
        (np.arange(4.0).reshape(4, 1), [1.0, 0.0]),
        (np.array([[1.0, 2.0, 3.0]]), [0.0, 0.0]),
    ],
    ids=["equal images", "one feature", "one image"],
)
def test_a_map_without_variance_is_zero(X, explained):
    places, shares, own = project(X, X[0])
    assert shares == pytest.approx(explained)
    assert np.isfinite(places).all()
    assert own == pytest.approx(places[0])


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [
        ("lab", {"edits": [{"kind": "off", "array": "2", "index": 99}]}, "no output 99"),
        ("lab", {"edits": [{"kind": "off", "array": "1"}]}, "needs index"),
        ("lab", {"edits": [{"kind": "erase"}]}, "Input should be"),
        ("exciting", {"layer": "1", "index": 32}, "no output 32 in a layer 1"),
        ("exciting", {"layer": "99", "index": 0}, "no output 0 in a layer 99"),
        ("map", {"layer": "99"}, "there is no layer '99'"),
        (
            "map",
            {"layer": "1", "image": {"shape": [1], "dtype": "uint8", "data": "AA=="}},
            "does not fit",
        ),
    ],
)
def test_a_wrong_request_gets_one_sentence(made, path, given, sentence):
    status, answer = made[0].post(f"/api/inside/{path}", given)
    assert status == 400
    assert sentence in answer["error"]


def test_each_layer_has_its_formulas(made):
    formulas = made[0].get("/api/inside/formulas")[1]
    assert formulas["Dense"]["forward"][0] == "Y = X Wᵀ + b"
    assert formulas["Dense"]["backward"][0] == "dX = dY W"
    assert all(found["forward"] and found["backward"] for found in formulas.values())
