from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad.calibration import Calibration, calibrate, reason_against_calibrating, reliability
from handgrad.losses import softmax

RNG = np.random.default_rng(0)


def answers(count: int = 20_000, boast: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return perfectly calibrated logits, multiplied by `boast`, and labels."""
    Z = RNG.normal(size=(count, 4)) * 2
    y = (softmax(Z).cumsum(axis=1) > RNG.random((count, 1))).argmax(axis=1)
    return (Z * boast).astype(np.float32), y


@pytest.mark.parametrize("boast", [0.3, 1.0, 4.0])
def test_the_temperature_corrects_overconfidence(boast: float) -> None:
    Z, y = answers(boast=boast)
    found = calibrate(Z, y)
    assert found.temperature == pytest.approx(boast, rel=0.04)
    assert found.error < 0.015
    assert found.error == pytest.approx(reliability(found.probabilities(Z), y).error, abs=1e-5)
    assert (found.error_before > 0.05) == (boast != 1.0)
    assert (found.threshold, found.coverage, found.precision) == (0, 1, None)


def test_reliability_by_hand() -> None:
    p = np.array([[0.95, 0.05], [0.91, 0.09], [0.4, 0.6], [1.0, 0.0]])
    found = reliability(p, np.array([0, 1, 1, 0]))
    assert found.counts.tolist() == [0] * 9 + [1] + [0] * 3 + [1, 2]
    assert found.confidence[[9, 13, 14]] == pytest.approx([0.6, 0.91, 0.975])
    assert found.accuracy[[9, 13, 14]] == pytest.approx([1, 0, 1])
    assert found.error == pytest.approx((0.4 + 0.91 + 2 * 0.025) / 4)


@pytest.mark.parametrize("precision", [0.8, 0.9, 0.95])
def test_confident_predictions_reach_the_requested_precision(precision: float) -> None:
    Z, y = answers()
    found = calibrate(Z, y, precision=precision)
    others, truth = answers()
    sure = found.is_confident(found.probabilities(others))
    right = found.probabilities(others).argmax(axis=1) == truth
    assert right[sure].mean() == pytest.approx(precision, abs=0.015)
    assert sure.mean() == pytest.approx(found.coverage, abs=0.02)
    assert right.mean() < precision


def test_the_lowest_sufficient_threshold_is_chosen() -> None:
    p = np.array([0.99, 0.9, 0.8, 0.8, 0.7, 0.6])
    Z = np.stack([np.log(p), np.log(1 - p)], axis=1)
    y = np.array([0, 0, 0, 1, 0, 1])
    for precision, coverage in ((1.0, 2), (0.8, 5), (0.75, 5), (0.5, 6)):
        found = calibrate(Z, y, precision=precision)
        assert found.coverage == coverage / 6
        assert found.is_confident(found.probabilities(Z)).sum() == coverage


@given(seed=st.integers(0, 10**6), count=st.integers(1, 30))
def test_any_answers_give_a_calibration(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    Z = (rng.normal(size=(count, 3)) * 10 ** rng.uniform(-3, 3)).astype(np.float32)
    y = rng.integers(0, 3, count)
    found = calibrate(Z, y)
    assert 0.01 <= found.temperature <= 100
    assert np.array_equal(found.probabilities(Z).argmax(axis=1), Z.argmax(axis=1)) or count
    assert Calibration.from_json(found.to_json()) == found

    def loss(temperature: float) -> float:
        return float(-np.log(softmax(Z.astype(np.float64) / temperature)[range(count), y]).mean())

    with np.errstate(divide="ignore"):
        best = loss(found.temperature)
        for other in (0.9, 1.1):
            t = min(max(found.temperature * other, 0.01), 100)
            assert best <= loss(t) + 1e-9


def test_an_impossible_calibration_gives_a_one_sentence_error() -> None:
    Z = np.array([[2.0, 0.0], [1.0, 0.0]])
    with pytest.raises(
        hg.DataError, match=r"no threshold gives 90\.00% correct answers among these 2 images"
    ):
        calibrate(Z, np.array([1, 1]), precision=0.9)
    with pytest.raises(hg.ConfigError, match="precision must be above 0 and at most 1, not 2"):
        calibrate(Z, np.array([1, 1]), precision=2)
    with pytest.raises(hg.DataError, match="2 rows of logits and 1 labels"):
        calibrate(Z, np.array([1]))
    with pytest.raises(hg.DataError, match="there are no probabilities"):
        reliability(Z[:0], np.array([]))
    with pytest.raises(hg.ModelError, match="temperature of a calibration cannot be 0"):
        Calibration(temperature=0)
    with pytest.raises(hg.ModelError, match="threshold of a calibration cannot be 'x'"):
        Calibration.from_json(Calibration().to_json() | {"threshold": "x"})
    with pytest.raises(hg.ModelError, match="a calibration must have the entries"):
        Calibration.from_json({"temperature": 1.0})


def test_a_classifier_uses_its_calibration() -> None:
    model = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2))
    X = np.ones((3, 1, 2, 2), np.float32)
    plain = model.predict_proba(X)
    model.calibration = Calibration(temperature=2.0, threshold=0.9)
    assert model.predict_proba(X) == pytest.approx(softmax(model.logits(X) / 2))
    assert model.predict_proba(X).dtype == plain.dtype
    assert abs(model.predict_proba(X)[0, 0] - 0.5) < abs(plain[0, 0] - 0.5)


def test_reasons_against_calibrating() -> None:
    Z, y = answers(100, boast=4.0)
    assert reason_against_calibrating(Z, y) == ""
    assert reason_against_calibrating(Z[:29], y[:29], min_images=1) == ""
    assert reason_against_calibrating(Z[:29], y[:29]).startswith("29 images are too few to fit")
    assert reason_against_calibrating(Z, Z.argmax(axis=1)).startswith(
        "all 100 predictions are correct, so"
    )


def test_a_temperature_that_does_not_help_on_other_images_is_refused() -> None:
    Z = np.tile([np.log(3), 0], (400, 1))  # p = 75 %
    y = (np.arange(400) % 4 == 0).astype(np.int64)  # 75 % of the answers are correct
    assert calibrate(Z, y).error_before == pytest.approx(0)
    assert reason_against_calibrating(Z, y).startswith(
        "a temperature makes the expected calibration error worse, 0.00% -> "
    )
    found = calibrate(Z, y, temperature=1, precision=0.7)
    assert (found.temperature, found.error, found.coverage) == (1, found.error_before, 1)


def test_a_calibration_as_text() -> None:
    Z, y = answers(1000, boast=4.0)
    found = calibrate(Z, y, precision=0.9)
    first, second = str(found).splitlines()
    assert first == (
        f"temperature {found.temperature:.3f}: expected calibration error "
        f"{found.error_before:.2%} -> {found.error:.2%}, on 1,000 images"
    )
    assert second.startswith(f"confident from {found.threshold:.2%}: {found.coverage:.2%} of")
    assert "confident" not in str(calibrate(Z, y))
