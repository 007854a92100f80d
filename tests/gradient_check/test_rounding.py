"""handgrad's float32 gradients are as accurate as float32 allows."""

from dataclasses import dataclass

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from handgrad.gradient_check.oracle import Oracle, compare_all
from handgrad.gradient_check.registry import NAMED, find_targets
from handgrad.gradient_check.target import Target, gradients
from handgrad.layers import Array, Dense, Params, ReLU, Sequential
from tests.extras import needs

needs("torch")

from handgrad.engines.torch.modules import MODULES  # noqa: E402
from handgrad.gradient_check import rounding  # noqa: E402
from handgrad.gradient_check.autograd import autograd, expected_gradients  # noqa: E402

CALM = rounding.BOUND / rounding.MARGIN
DEEP = ("deep-convnet", "resnet7")  # they amplify rounding errors in training mode at every point


@dataclass(frozen=True)
class Rough(Dense):
    """A linear layer whose backward loses a few digits of precision."""

    digits: float = 1e-5

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"weight": found["weight"] * dY.dtype.type(1 + self.digits)}


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def results(target: Target, seed: int, training: bool = True) -> Oracle:
    return rounding.run_oracle(target, target.point(seed, training))


def assert_right(target: Target, seed: int) -> None:
    for training in (True, False):
        said = results(target, seed, training)
        if training and target.name in DEEP:
            assert rounding.BOUND < said.bound < 1e-5
        else:
            assert said.bound == rounding.BOUND
        assert [comparison for comparison in compare_all(said) if not comparison.ok] == []


@pytest.mark.parametrize(
    ("name", "seed"), [("fashion-mlp", 4), ("fashion-mlp", 8), ("smallnet", 25), ("lenet5", 82)]
)
def test_another_point_is_used_if_rounding_has_a_large_effect(name: str, seed: int) -> None:
    """Examples are a variance of 0.002, a kink, and a sum of 3,136 terms that cancel."""
    assert_right(NAMED[name], seed)


def test_the_effect_of_rounding_is_measured() -> None:
    """Rounding has a large effect if a batch norm gets four nearly equal examples."""
    target = NAMED["fashion-mlp"]
    moved = {
        (seed, training): rounding.effect_of_rounding(target.layer, target.point(seed, training))
        for seed in (2, 4)
        for training in (True, False)
    }
    assert moved[4, True] > 2 * CALM
    assert 1e-8 < moved[4, False] < moved[2, True] < CALM


def test_a_kink_close_to_the_point_increases_the_effect_of_rounding() -> None:
    layer = Sequential((Dense(6), ReLU()))
    point = Target("kinked", layer, (4,)).point(0, training=True)
    calm = rounding.effect_of_rounding(layer, point)
    Y, _ = Dense(6).forward(point.params["0"], point.X, point.ctx)
    point.params["0"]["bias"][0] -= Y[0, 0] - 1e-9
    assert calm < CALM < 1e-3 < rounding.effect_of_rounding(layer, point)


def test_a_gradient_with_fewer_digits_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODULES, Rough, MODULES[Dense])
    for digits, wrong in ((1e-5, ["weight"]), (0.0, [])):
        found = compare_all(results(Target("rough", Rough(4, digits=digits), (6,)), 0))
        assert [comparison.tensor for comparison in found if not comparison.ok] == wrong


def test_without_a_well_conditioned_point_the_bound_is_the_effect_of_rounding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = NAMED["fashion-mlp"]
    monkeypatch.setattr(rounding, "BOUND", 1e-8)
    said = results(target, 0)
    assert 1e-7 < said.bound < 1e-5
    assert all(comparison.ok for comparison in compare_all(said))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_every_layer_and_model_is_correct_at_points_of_every_seed(seed: int) -> None:
    """Run `pytest -m slow tests/gradient_check/test_rounding.py`; it takes 10 minutes."""
    for target in find_targets("all"):
        assert_right(target, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_a_deep_network_is_as_accurate_in_float32_as_autograd(name: str) -> None:
    """Compare medians: a rounding error that moves a unit across a kink is amplified."""
    layer = NAMED[name].layer
    errors: dict[str, list[float]] = {"ours": [], "autograd": []}
    for seed in range(20):
        point = NAMED[name].point(seed, training=True).cast(np.float32)
        expected = expected_gradients(layer, point.cast(np.float64))
        for who, found in (("ours", gradients(layer, point)), ("autograd", autograd(layer, point))):
            compared = compare_all(Oracle(who, rounding.BOUND, found, expected))
            errors[who].append(max(comparison.error for comparison in compared))
    assert np.median(errors["ours"]) < 1.5 * np.median(errors["autograd"]), errors
    assert np.median(errors["ours"]) < 1e-5, errors
