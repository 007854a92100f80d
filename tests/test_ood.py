from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from safetensors import safe_open

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export.verify import verify_bundle
from handgrad.ood import OOD, OodScore, edges, energy, fit_ood
from handgrad.train.rejection import measure_rejection

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (200, 1, 8, 8), np.uint8)


@cache
def fitted() -> tuple[hg.Classifier, hg.Dataset]:
    """Return a classifier of the digits with a score, and the test images."""
    images, test = hg.load_data("digits")
    train, validation = images.split(0.2, 0)
    model = hg.Classifier.for_data(hg.models.online_mlp(), train)
    hg.fit(model, train, epochs=10, validation=None, engine="reference")
    model.ood = fit_ood(model.network, train, validation, model.logits(validation.images))
    return model, test


def test_edges_of_a_step() -> None:
    X = np.zeros((1, 1, 14, 14), np.float32)
    X[:, :, :, 7:] = 1
    h = edges(X).reshape(8, 7, 7)
    # Gx = 4/8 in the two columns beside the step, 6 and 7, which are those of cell 3. Each has the
    # weight 3/8 in this cell, and one has the weight 1/8 in the cell beside it.
    across = np.array([0, 1 / 16, 3 / 8, 1 / 16, 0])
    assert h[0, 3, 1:6] == pytest.approx(np.sqrt(across))
    assert h[1, 3, 1:6] == pytest.approx(np.sqrt(across * np.cos(np.pi / 4)))
    assert h[4, 3, 3] == 0, "the slope of the opposite direction"
    assert h[:, 3, 1].max() == 0
    assert edges(X[:, :, :13, :5]).shape == (1, 8 * 7 * 3)
    assert np.array_equal(edges(np.repeat(X, 3, axis=1)), edges(X))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 5, 9), (1, 40, 33), (1, 6, 3)])
def test_edges_are_those_of_the_definition(shape: tuple[int, int, int]) -> None:
    X = RNG.random((2, *shape)).astype(np.float32)
    _, H, W = shape
    x = np.pad(X[1].mean(axis=0, dtype=np.float64), 1)
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    gx, gy = (np.einsum("ij,rcij->rc", f, sliding_window_view(x, (3, 3))) for f in (sobel, sobel.T))
    b = math.ceil(max(H, W) / 7)
    A, B = (
        [
            [max(0, 1 - abs((r + 0.5) / b - 0.5 - i)) / b for r in range(n)]
            for i in range(-(-n // b))
        ]
        for n in (H, W)
    )
    angles = np.arange(8) * np.pi / 4
    S = [np.maximum(0, gx * np.cos(a) + gy * np.sin(a)) for a in angles]
    assert edges(X)[1] == pytest.approx(
        np.ravel(np.sqrt(A @ np.array(S) @ np.transpose(B))), abs=1e-6
    )


def test_a_low_energy_does_not_lower_the_score() -> None:
    model, _ = fitted()
    center, spread, mean, scale = model.ood.scaling.astype(float)
    log_d, E = np.full(3, center + spread), np.array([mean - 1000, mean, mean + 2 * scale])
    assert model.ood._combined(log_d, E) == pytest.approx([1, 1, 3])


def test_the_energy_does_not_overflow() -> None:
    assert energy(np.array([[0.0, 0.0], [1000.0, 0.0]])) == pytest.approx([-np.log(2), -1000])


def test_the_distance_is_that_of_the_normal_distribution() -> None:
    model, test = fitted()
    score = model.ood
    assert score is not None
    h = edges(model.network.as_input(test.images[:5])).astype(np.float64)
    for k in range(10):
        U, v = score.directions[k], score.variances[k]
        covariance = (U.T * v) @ U + score.noise[0] * np.eye(U.shape[1])
        D = h - score.means[k]
        d2 = np.einsum("np,pq,nq->n", D, np.linalg.inv(covariance), D)
        assert score._distance(h, k) == pytest.approx(d2, rel=1e-3)


def test_the_threshold_accepts_the_digits_and_rejects_other_images() -> None:
    model, test = fitted()
    own = test.images, model.logits(test.images)
    for other, least in ((NOISE, 0.99), (255 - test.images, 0.99), (test.images * 0, 1)):
        found = measure_rejection(model, own, (other, model.logits(other)))
        assert found.stored is not None
        assert found.stored >= least, found
        assert found.stored_accepted == pytest.approx(0.95, abs=0.03)
        assert found.rejected["score"] >= least
        assert found.auroc["score"] > 0.99
        assert found.auroc["score"] >= found.auroc["softmax"]


def test_doubt_names_its_reason() -> None:
    model, test = fitted()
    assert set(model.doubt(NOISE)) == {"unlike the training data"}
    doubt = model.doubt(test.images)
    assert 0.9 < (doubt == "").mean() < 1
    assert np.array_equal(doubt, model.doubt(test.images, model.logits(test.images)))
    unsure = hg.Classifier(model.network, calibration=hg.Calibration(threshold=0.999))
    p = unsure.predict_proba(test.images).max(axis=1)
    assert np.array_equal(unsure.doubt(test.images) == "unsure", p < 0.999)
    assert set(hg.Classifier(model.network).doubt(NOISE)) == {""}


def test_the_score_is_in_the_model_file_as_plain_arrays(tmp_path: Path) -> None:
    model, test = fitted()
    path = tmp_path / "m.safetensors"
    model.save(path)
    with safe_open(path, "numpy") as file:
        assert file.get_tensor(OOD + "threshold").tolist() == model.ood.threshold.tolist()
        assert file.get_tensor(OOD + "means").shape == (10, 8 * 4 * 4)
    bundle = read_bundle(path)
    again = bundle.classifier
    assert np.array_equal(again.doubt(test.images), model.doubt(test.images))
    assert verify_bundle(bundle).changed == ()
    again.ood.threshold[0] += 1
    assert verify_bundle(bundle).changed == ("ood",)
    hg.fit(again, test, epochs=1, validation=None, engine="reference")
    assert again.ood is None


@pytest.mark.parametrize("damage", ["shape", "missing", "nan", "noise", "kind", "images"])
def test_a_damaged_score_is_refused(damage: str) -> None:
    model, _ = fitted()
    described, arrays = model.ood.to_json(), model.ood.named_arrays()
    match damage:
        case "shape":
            arrays[OOD + "means"] = arrays[OOD + "means"][:9]
        case "missing":
            del arrays[OOD + "noise"]
        case "nan":
            arrays[OOD + "threshold"] = np.float32([np.nan])
        case "noise":
            arrays[OOD + "noise"] = np.float32([0])
        case "kind":
            described["kind"] = "edges and energy"  # an earlier score, with other edges
        case "images":
            described["images"] = 30.0
    with pytest.raises(hg.ModelError, match=r"out-of-distribution|ood"):
        OodScore.from_json(described, arrays, model.network)


def test_other_shapes_and_classes_without_images_have_a_score() -> None:
    for shape in ((3, 5, 9), (1, 40, 33)):
        X = RNG.integers(0, 256, (120, *shape), np.uint8)
        data = hg.Dataset(X, np.arange(120) % 2, (0, 1, 2))
        net = hg.Network([hg.Flatten(), hg.Dense()], shape, 3)
        score = fit_ood(net, data, data, net.logits(X))
        assert np.isfinite(score.scores(net, X, net.logits(X))).all()
        assert score.is_unlike(net, X, net.logits(X)).mean() == pytest.approx(0.05, abs=0.01)
        assert score.scores(net, X[:0], net.logits(X[:0])).shape == (0,)
    with pytest.raises(hg.DataError, match="9 validation images are too few"):
        fit_ood(net, data, data.take(np.arange(9)), net.logits(X[:9]))
