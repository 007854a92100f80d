import numpy as np
import pytest

from handgrad.layers import Context, Dropout, Dropout2d
from handgrad.models import convnet
from handgrad.optim import Adam
from handgrad.reproduce.convnet import (
    ScaledByP,
    ScaledByP2d,
    UncorrectedAdam,
    notebook,
    with_dropout,
)

learning = Context(training=True, seed=1)


@pytest.mark.parametrize(("p", "factor"), [(0.5, 1.0), (0.25, 3.0)])
def test_scaling_by_p_is_correct_at_one_half_only(p: float, factor: float) -> None:
    X = np.ones((40, 6, 5, 5), np.float32)
    for right, wrong in ((Dropout(p), ScaledByP(p)), (Dropout2d(p), ScaledByP2d(p))):
        Y, cache = wrong.forward({}, X, learning)
        np.testing.assert_allclose(Y, factor * right.forward({}, X, learning)[0], rtol=1e-6)
        np.testing.assert_allclose(wrong.backward({}, cache, X)[0], Y, rtol=1e-6)
        np.testing.assert_array_equal(wrong.forward({}, X, Context())[0], X)


def test_the_first_step_of_uncorrected_adam_is_three_times_too_long() -> None:
    dW, moved = np.array([0.5, -2.0]), []
    for rule in (Adam(0.01), UncorrectedAdam(0.01)):
        W = np.zeros(2)
        rule.update(W, dW, {"mean": np.zeros(2), "square": np.zeros(2)}, 0.01, 1)
        moved.append(W)
    np.testing.assert_allclose(moved[0], [-0.01, 0.01], rtol=1e-6)
    np.testing.assert_allclose(moved[1] / moved[0], 0.1 / np.sqrt(0.001), rtol=1e-5)


def test_later_steps_are_those_of_adam() -> None:
    dW = np.array([0.5])
    state = {"mean": 0.5 * np.ones(1), "square": 0.25 * np.ones(1)}
    W = np.zeros(1)
    UncorrectedAdam(0.01).update(W, dW, state, 0.01, 10_000)
    np.testing.assert_allclose(W, [-0.01], rtol=1e-6)


def test_only_the_dropout_layers_are_replaced() -> None:
    layers = with_dropout((ScaledByP2d, ScaledByP), 0.25)
    assert [type(layer).__name__ for layer in layers if "Scaled" in type(layer).__name__] == [
        "ScaledByP2d",
        "ScaledByP",
    ]
    assert [l for l in layers if "Scaled" not in type(l).__name__] == [
        layer for layer in convnet() if not isinstance(layer, Dropout | Dropout2d)
    ]


def test_misread_metrics() -> None:
    progress, accuracy, loss, *_ = notebook().errata
    assert progress.misread is not None
    assert accuracy.misread is not None
    assert loss.misread is not None
    assert progress.misread(1.0) == 100.0  # shown as 10,000 %
    assert accuracy.misread(0.99) == pytest.approx(99.0)
    assert loss.misread(0.03) == pytest.approx(0.0003)
