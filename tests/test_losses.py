import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ConfigError, DataError
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy, log_softmax, softmax
from tests.autograd_check import DRAWS
from tests.extras import needs
from tests.gradient_checks import seeds
from tests.gradients import check, errors

shares = st.floats(0, 0.9)


def batch(N: int, K: int, seed: int) -> tuple[Array, Array, Array, Array]:
    """Return logits, labels, example weights and class weights."""
    rng = np.random.default_rng(seed)
    weights, class_weights = rng.uniform(0.1, 3, N), rng.uniform(0.1, 3, K)
    return rng.normal(0, 3, (N, K)), rng.integers(0, K, N), weights, class_weights


def autograd(
    Z: Array, y: Array, smoothing: float, class_weights: Array | None, weights: Array | None
) -> tuple[float, Array]:
    """Return PyTorch's loss and dZ, using handgrad's weights to average the smoothed losses.

    PyTorch's own mean weights the smoothed part by its class, whereas handgrad weights it by the
    example.
    """
    torch = needs("torch")
    logits = torch.tensor(Z, requires_grad=True)
    each = torch.nn.functional.cross_entropy(
        logits, torch.tensor(y), reduction="none", label_smoothing=smoothing
    )
    w = np.ones(len(y)) if weights is None else weights
    w = torch.tensor(w if class_weights is None else w * class_weights[y])
    loss = (w * each).sum() / w.sum()
    loss.backward()
    return loss.item(), logits.grad.numpy()


@settings(max_examples=100)
@given(st.integers(1, 9), st.integers(2, 12), shares, st.booleans(), st.booleans(), seeds)
def test_value_and_gradient_equal_autograds(
    N: int, K: int, smoothing: float, by_class: bool, by_example: bool, seed: int
) -> None:
    draws = []
    for draw in range(DRAWS):
        Z, y, weights, class_weights = batch(N, K, seed + draw)
        w = weights if by_example else None
        loss = SoftmaxCrossEntropy(smoothing, tuple(class_weights) if by_class else None)
        theirs = autograd(Z, y, smoothing, class_weights if by_class else None, w)
        draws.append((*loss(Z, y, w), *theirs))
    value, dZ, theirs, their_dZ = (np.array(column) for column in zip(*draws, strict=True))
    found = errors({"dZ": dZ, "value": value}, {"dZ": their_dZ, "value": theirs})
    assert max(found.values()) <= 1e-13, found


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(2, 12), shares, seeds)
def test_gradient_equals_central_differences(N: int, K: int, smoothing: float, seed: int) -> None:
    Z, y, weights, class_weights = batch(N, K, seed)
    Z /= 3  # a sure answer has too small a gradient to be measured
    loss = SoftmaxCrossEntropy(smoothing, tuple(class_weights))
    _, dZ = loss(Z, y, weights)
    check(lambda: loss(Z, y, weights)[0], {"Z": Z}, {"Z": dZ}, np.random.default_rng(seed), 1e-5)


@pytest.mark.parametrize(("p", "value"), [(0.8, 0.2231), (0.2, 1.6094), (1.0, 0.0)])
def test_worked_examples(p: float, value: float) -> None:
    """The true class has probability p, and the rest is divided between two other classes."""
    Z = np.log(np.array([[p, (1 - p) / 2, (1 - p) / 2]]) + 1e-300)
    found, dZ = SoftmaxCrossEntropy()(Z, np.array([0]))
    assert found == pytest.approx(value, abs=5e-5)
    np.testing.assert_allclose(dZ, [[p - 1, (1 - p) / 2, (1 - p) / 2]], atol=1e-15)


def test_equal_logits_have_the_loss_log_k() -> None:
    loss, _ = SoftmaxCrossEntropy()(np.zeros((4, 10)), np.arange(4))
    assert loss == pytest.approx(math.log(10), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_huge_logits_stay_finite(dtype: type, smoothing: float) -> None:
    Z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)
    loss, dZ = SoftmaxCrossEntropy(smoothing)(Z, np.array([0, 0, 1, 2]))
    assert math.isfinite(loss)
    assert np.isfinite(dZ).all()
    assert dZ.dtype == dtype
    if smoothing == 0:
        assert loss == pytest.approx((0 + 2e4 + 2 * math.log(3)) / 4, rel=1e-6)


def test_the_loss_does_not_change_when_a_constant_is_added() -> None:
    Z, y, _, _ = batch(6, 4, seed=1)
    loss, dZ = SoftmaxCrossEntropy()(Z, y)
    moved, moved_dZ = SoftmaxCrossEntropy()(Z + 100, y)
    assert moved == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(moved_dZ, dZ, atol=1e-14)
    np.testing.assert_allclose(dZ.sum(axis=1), 0, atol=1e-16)


def test_softmax_is_the_exponential_of_its_logarithm_and_sums_to_one() -> None:
    Z, _, _, _ = batch(6, 4, seed=2)
    np.testing.assert_allclose(softmax(Z), np.exp(log_softmax(Z)), rtol=1e-14)
    np.testing.assert_allclose(softmax(Z).sum(axis=1), 1, rtol=1e-15)


def test_an_example_of_weight_two_counts_as_two() -> None:
    Z, y, _, _ = batch(3, 4, seed=3)
    once, dZ = SoftmaxCrossEntropy()(Z, y, np.array([1.0, 2.0, 0.0]))
    twice, _ = SoftmaxCrossEntropy()(Z[[0, 1, 1]], y[[0, 1, 1]])
    assert once == pytest.approx(twice, rel=1e-14)
    assert not dZ[2].any()


def test_a_batch_without_weight_has_no_loss_and_gradient() -> None:
    Z, y, _, _ = batch(3, 4, seed=4)
    for loss, weights in (
        (SoftmaxCrossEntropy(), np.zeros(3)),
        (SoftmaxCrossEntropy(class_weights=(0, 0, 0, 0)), None),
    ):
        value, dZ = loss(Z, y, weights)
        assert value == 0
        np.testing.assert_array_equal(dZ, np.zeros_like(Z))


def test_the_arguments_do_not_change() -> None:
    Z, y, weights, class_weights = batch(5, 4, seed=5)
    for array in (Z, y, weights):
        array.setflags(write=False)
    loss = SoftmaxCrossEntropy(0.1, tuple(class_weights))
    first, dZ = loss(Z, y, weights)
    again, dZ_again = loss(Z, y, weights)
    assert first == again
    np.testing.assert_array_equal(dZ, dZ_again)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([0, 3], "labels must be 0 to 2 for 3 logits, found 3"),
        ([-1, 0], "labels must be 0 to 2 for 3 logits, found -1"),
        ([0], r"labels must be 2 whole numbers, not an array \(1,\) of int64"),
        ([[0, 1, 0], [1, 0, 0]], r"labels must be 2 whole numbers, not an array \(2, 3\) of int64"),
        ([0.0, 1.0], r"labels must be 2 whole numbers, not an array \(2,\) of float64"),
    ],
)
def test_labels_out_of_range_are_refused(y: list, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        SoftmaxCrossEntropy()(np.zeros((2, 3)), np.array(y))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, math.nan]])
def test_weights_out_of_range_are_refused(weights: list[float]) -> None:
    with pytest.raises(DataError, match="weights must be 2 numbers of at least 0, one per image"):
        SoftmaxCrossEntropy()(np.zeros((2, 3)), np.array([0, 1]), np.array(weights))


def test_the_number_of_class_weights_must_fit() -> None:
    with pytest.raises(ConfigError, match="there must be 3 class_weights, one per class, not 2"):
        SoftmaxCrossEntropy(class_weights=(1, 2))(np.zeros((2, 3)), np.array([0, 1]))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan])
def test_smoothing_out_of_range_are_refused(smoothing: float) -> None:
    with pytest.raises(ConfigError, match="label_smoothing must be at least 0 and below 1"):
        SoftmaxCrossEntropy(smoothing)


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_class_weights_out_of_range_are_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="class_weights must be numbers of at least 0, not"):
        SoftmaxCrossEntropy(class_weights=(1.0, weight))


@pytest.mark.parametrize("N", [0, 1, 7, 500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_value_alone_equals_that_with_the_gradient(N: int, dtype: type) -> None:
    rng = np.random.default_rng(N)
    Z, y = rng.normal(0, 30, (N, 5)).astype(dtype), rng.integers(0, 5, N)
    kept = Z.copy()
    for loss in (SoftmaxCrossEntropy(), SoftmaxCrossEntropy(0.1, (1, 2, 0, 1, 1))):
        assert loss.value(Z, y) == pytest.approx(loss(Z, y)[0], rel=1e-5)
    assert np.array_equal(Z, kept)


def test_the_softmax_of_an_image_does_not_depend_on_the_others() -> None:
    Z = np.random.default_rng(0).normal(0, 5, (50, 10)).astype(np.float32)
    p = softmax(Z)
    assert p.flags.c_contiguous
    assert np.array_equal(p, np.concatenate([softmax(z[None]) for z in Z]))
    assert p == pytest.approx(np.exp(log_softmax(Z)), rel=1e-5)
