import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import Array, BatchNorm, Context, Normalize, Shape
from tests.cases import Case
from tests.extras import needs
from tests.gradient_checks import batches, flat, images, prove, seeds
from tests.gradients import errors

learning = Context(training=True)


@settings(max_examples=40)
@given(
    flat | images,
    st.integers(4, 9),
    st.floats(1e-9, 1e-2),
    st.floats(0.01, 1.0),
    st.booleans(),
    seeds,
)
def test_gradients_of_batch_norm_of_any_size(
    shape: Shape, batch: int, eps: float, momentum: float, training: bool, seed: int
) -> None:
    prove(BatchNorm(eps, momentum), shape, batch, training, seed)


@settings(max_examples=20)
@given(flat | images, batches, st.booleans(), seeds)
def test_gradients_of_normalize_of_any_size(
    shape: Shape, batch: int, training: bool, seed: int
) -> None:
    prove(Normalize(), shape, batch, training, seed)


@pytest.mark.parametrize(("shape", "kind"), [((6,), "BatchNorm1d"), ((3, 4, 5), "BatchNorm2d")])
def test_running_statistics_equal_torchs_over_ten_steps(shape: Shape, kind: str) -> None:
    torch = needs("torch")
    layer = BatchNorm(momentum=0.2)
    module = getattr(torch.nn, kind)(shape[0], momentum=0.2).double()
    params, _ = layer.init(shape, np.random.default_rng(0))
    for step in range(10):
        X = np.random.default_rng(step).normal(step, 1 + step, (7, *shape))
        _, cache = layer.forward(params, X, learning)
        params |= layer.update_buffers(params, cache)
        module(torch.tensor(X))
    theirs = {"mean": module.running_mean.numpy(), "var": module.running_var.numpy()}
    ours = {"mean": params["running_mean"], "var": params["running_var"]}
    assert max(errors(ours, theirs).values()) <= 1e-12


def test_training_normalizes_each_feature() -> None:
    layer = BatchNorm(eps=1e-12)
    params, _ = layer.init((3, 4, 5), np.random.default_rng(0))
    Y, _ = layer.forward(params, Case("", (), (3, 4, 5), 6).examples() * 9 + 4, learning)
    np.testing.assert_allclose(Y.mean(axis=(0, 2, 3)), 0, atol=1e-14)
    np.testing.assert_allclose(Y.std(axis=(0, 2, 3)), 1, rtol=1e-12)


def test_one_image_alone_at_inference_uses_the_running_statistics() -> None:
    params = {"weight": 2.0, "bias": 1.0, "running_mean": 3.0, "running_var": 4.0}
    params = {name: np.array([value]) for name, value in params.items()}
    Y, _ = BatchNorm(eps=1e-300).forward(params, np.array([[7.0]]), Context())
    assert Y.item() == pytest.approx(2 * (7 - 3) / 2 + 1, rel=1e-15)


@pytest.mark.parametrize("shape", [(4,), (2, 1, 1)])
def test_a_batch_of_one_in_training_is_finite(shape: Shape) -> None:
    """The variance is zero, so the output is the shift, and the input gradient is zero."""
    layer, X = BatchNorm(), Case("", (), shape, 1).examples()
    params, _ = layer.init(shape, np.random.default_rng(0))
    params["bias"] += 0.5
    Y, cache = layer.forward(params, X, learning)
    np.testing.assert_array_equal(Y, np.full_like(Y, 0.5))
    dX, gradients = layer.backward(params, cache, np.ones_like(Y))
    assert not dX.any()
    assert not gradients["weight"].any()
    absorbed = layer.update_buffers(params, cache)
    assert all(np.isfinite(array).all() for array in absorbed.values())


@pytest.mark.parametrize("training", [True, False])
def test_forward_never_writes_the_buffers(training: bool) -> None:
    case = Case("", (BatchNorm(),), (3, 4, 5))
    params = case.params()
    before = {name: array.copy() for name, array in params["0"].items()}
    _, cache = case.chain.forward(params, case.examples(), Context(training))
    case.chain.update_buffers(params, cache)
    for name, array in before.items():
        np.testing.assert_array_equal(params["0"][name], array)


def test_a_cotangent_of_ones_detects_nothing() -> None:
    """Ones are in the null space of batch norm, so the checks use random cotangents."""
    case = Case("", (BatchNorm(),), (4,), 8)
    params = case.params()
    Y, cache = case.chain.forward(params, case.examples(), learning)
    ones, _ = case.chain.backward(params, cache, np.ones_like(Y))
    drawn, _ = case.chain.backward(params, cache, np.random.default_rng(0).normal(size=Y.shape))
    assert np.linalg.norm(ones) < 1e-14
    assert np.linalg.norm(drawn) > 1


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (BatchNorm(eps=0.0), "eps must be above 0, not 0.0"),
        (BatchNorm(momentum=1.5), "momentum must be between 0 and 1, not 1.5"),
        (Normalize(std=0.0), "std must be above 0, not 0.0"),
        (Normalize(std=float("nan")), "std must be one finite number or 1 of them, not nan"),
        (Normalize((0.1, 0.2)), "mean must be one finite number or 1 of them, not"),
    ],
)
def test_settings_out_of_range_are_refused(layer: BatchNorm | Normalize, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        layer.init((3,), np.random.default_rng(0))


def halves(X: Array) -> tuple[Array, Array]:
    return X[:30], X[30:]


def test_fitted_mean_and_std_are_those_of_all_images() -> None:
    X = np.random.default_rng(0).normal(3, 2, (50, 3, 4, 5)) * np.array([1, 2, 3])[:, None, None]
    found = Normalize().fit_statistics(halves(X))
    np.testing.assert_allclose(found["mean"], X.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(found["std"], X.std(axis=(0, 2, 3)), rtol=1e-12)


def test_a_weight_of_two_equals_two_images() -> None:
    X = np.random.default_rng(0).normal(3, 2, (40, 2, 3, 3)).astype(np.float32)
    weights = np.arange(40) % 3
    found = Normalize().fit_statistics(halves(X), weights.astype(np.float32))
    twice = Normalize().fit_statistics(halves(X.repeat(weights, axis=0)))
    assert found["mean"] == pytest.approx(twice["mean"], rel=1e-12)
    assert found["std"] == pytest.approx(twice["std"], rel=1e-12)
    assert abs(found["mean"] - Normalize().fit_statistics(halves(X))["mean"]).min() > 1e-3


def test_flat_input_has_one_mean_and_std() -> None:
    X = np.random.default_rng(0).normal(3, 2, (50, 7))
    found = Normalize().fit_statistics(halves(X))
    np.testing.assert_allclose([found["mean"][0], found["std"][0]], [X.mean(), X.std()], rtol=1e-12)


def test_given_statistics_are_not_fitted() -> None:
    X = np.random.default_rng(0).normal(3, 2, (50, 1, 4, 4))
    found = Normalize(mean=0.5).fit_statistics(halves(X))
    np.testing.assert_array_equal(found["mean"], [0.5])
    assert found["std"].item() == pytest.approx(X.std(), rel=1e-12)
    np.testing.assert_array_equal(Normalize(std=0.3).fit_statistics(halves(X))["std"], [0.3])


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 255.0])
def test_a_constant_channel_is_not_amplified(value: float) -> None:
    X = np.full((50, 1, 9, 9), value, np.float32)
    np.testing.assert_array_equal(Normalize().fit_statistics(halves(X))["std"], [1.0])
