"""The check accepts correct gradients, rejects wrong ones, and detects when it is broken."""

from dataclasses import dataclass

import numpy as np
import pytest

from handgrad.gradient_check import autograd, controls
from handgrad.gradient_check import finite_differences as differences
from handgrad.gradient_check import oracle as oracles
from handgrad.gradient_check.check import check
from handgrad.gradient_check.controls import mutations
from handgrad.gradient_check.registry import (
    LAYERS,
    NAMED,
    find_targets,
    network_target,
    target_names,
)
from handgrad.gradient_check.target import Target
from handgrad.layers import Array, Context, Dense, Params, ReLU
from handgrad.models import MODELS
from handgrad.network import Network
from tests.extras import needs

BOUNDS = {
    "differences": 1e-7,
    "autograd": 1e-13,
    "float32": 2e-6,
    "golden": 1e-12,
    "linearity": 1e-12,
    "large inputs": 1e-7,
}
SOME = ("dense", "conv-rectangular", "batchnorm-flat", "maxpool-overlapping-padded", "residual")

ORACLES = {
    "differences",
    "linearity",
    *(("autograd", "float32") if autograd.is_available() else ()),
}


@dataclass(frozen=True)
class Mutated(Dense):
    """A linear layer with wrong gradients."""

    how: str = ""

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"weight": dict(mutations(found["weight"]))[self.how]}


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("name", SOME)
def test_layers_pass_all_oracles(name: str, training: bool) -> None:
    (target,) = find_targets(name)
    report = check(target, training=training)
    assert report.ok
    assert {f.oracle for f in report.comparisons} == ORACLES | {"large inputs"}
    assert all(f.bound == BOUNDS[f.oracle] and f.error <= f.bound for f in report.comparisons)
    assert len(report.controls) >= 4 * (len(ORACLES) - 1 or 1)
    assert all(control.rejected for control in report.controls)


@pytest.mark.parametrize("name", ["softmax-regression", "fashion-mlp", "two-layer"])
def test_built_in_networks_pass_the_golden_gradients(name: str) -> None:
    report = check(NAMED[name])
    assert report.ok
    golden = [f for f in report.comparisons if f.oracle == "golden"]
    assert {f.tensor for f in golden} == {f.tensor for f in report.comparisons}


@pytest.mark.slow
@pytest.mark.parametrize("target", find_targets("all"), ids=lambda target: target.name)
def test_everything_passes(target: Target) -> None:
    """Run `handgrad gradcheck` in `pytest -m slow tests/gradient_check/test_check.py`."""
    assert check(target).ok
    assert check(target, training=False).ok


@pytest.mark.parametrize("how", ["zeroed", "scaled by 1 %", "transposed", "shifted"])
def test_a_wrong_backward_is_rejected(how: str) -> None:
    report = check(Target("mutated", Mutated(4, how=how), (6,)))
    assert [f.tensor for f in report.wrong] == ["weight"]
    assert report.wrong[0].first
    assert report.wrong[0].first.index == ((0, 1) if how == "transposed" else (0, 0))


def test_subclasses_of_layers_have_no_counterpart() -> None:
    needs("torch")
    assert autograd.has_counterpart(Dense(3))
    assert not autograd.has_counterpart(Mutated(3))


def test_a_check_that_accepts_everything_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "BOUND", 10.0)
    report = check(find_targets("dense")[0])
    assert not report.ok
    assert report.wrong == ()
    assert {(c.oracle, c.rejected) for c in report.broken} == {("differences", False)}
    assert {"zeroed", "scaled by 1 %", "transposed", "shifted"} <= {
        c.mutation for c in report.broken
    }


def test_an_oracle_that_measures_nothing_is_broken() -> None:
    said = oracles.ExpectedGradient((2,), np.array([0, 1]), np.zeros(3), lambda _: np.zeros(3))
    ours = {"weight": np.array([1.0, 2.0])}
    shown = list(controls.controls(oracles.Oracle("blind", 1e-7, ours, {"weight": said})))
    assert [c.mutation for c in shown] == ["zeroed", "scaled by 1 %", "reversed", "shifted"]
    assert not any(c.rejected for c in shown)


def test_points_are_free_of_kinks() -> None:
    """Points are chosen so that no direction crosses a kink."""
    point, oracle = differences.run_oracle(find_targets("relu")[0], True, 0)
    assert abs(point.X).min() > differences.STEP
    relu = ReLU().forward({}, point.X, Context())[1] > 0
    right = (point.dY * relu).reshape(-1)
    found = oracle.expected_gradients["X"]
    np.testing.assert_allclose(found.expected[:-3], right[found.elements], atol=1e-9)


@pytest.mark.parametrize("place", [0.0, 0.1, 1 / 3, 0.5, 0.8, 0.99])
def test_a_kink_between_the_steps_is_detected(place: float) -> None:
    x = np.array([0.0])
    kink = place * differences.STEP
    slope = differences.slope(lambda: abs(float(x[0]) - kink), x, 0)
    assert slope.doubt > 0.005
    smooth = differences.slope(lambda: float(x[0] + x[0] ** 2), x, 0)
    assert smooth.value == pytest.approx(1, abs=1e-9)
    assert smooth.doubt < 1e-9


def test_names() -> None:
    assert find_targets("all") == [*LAYERS, *NAMED.values()]
    assert {s.name for s in find_targets("ReLU")} == {"relu", "relu-flat"}
    assert find_targets("nothing") == []
    assert set(MODELS) < set(target_names())


def test_a_network_is_checked_at_its_own_arrays() -> None:
    net = Network(MODELS["two-layer"](), (1, 5, 6), 4, seed=3)
    target = network_target("mine", net)
    point = target.point(0, training=True)
    np.testing.assert_array_equal(point.params["2"]["weight"], net.parameters["2.weight"])
    assert point.X.dtype == point.params["2"]["weight"].dtype == np.float64
    assert check(target).ok


def test_gradients_of_another_shape_or_missing_are_rejected() -> None:
    said = oracles.ExpectedGradient((2,), np.arange(2), np.ones(2), lambda gradient: gradient)
    for ours in ({"weight": np.ones((2, 1))}, {}):
        (found,) = oracles.compare_all(oracles.Oracle("w", 1e-7, ours, {"weight": said}))
        assert (found.ok, found.error, found.worst) == (False, float("inf"), None)


@dataclass(frozen=True)
class Constant(ReLU):
    """A layer with a constant output and the correct gradient, which is zero."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Array]:
        return np.ones(X.shape), X

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        return np.zeros(cache.shape), {}


def test_zero_gradients_are_not_proven() -> None:
    report = check(Target("constant", Constant(), (5,)))
    assert (report.wrong, report.broken, report.controls) == ((), (), ())
    assert report.verdict == "not proven"
    assert not report.ok
    assert check(find_targets("relu")[0]).verdict == "right"
    assert check(Target("mutated", Mutated(4, how="zeroed"), (6,))).verdict == "wrong"


def test_nan_is_rejected_and_its_index_reported() -> None:
    said = oracles.ExpectedGradient((3,), np.arange(3), np.ones(3), lambda gradient: gradient)
    ours = {"weight": np.array([1.0, np.nan, 1.0])}
    (found,) = oracles.compare_all(oracles.Oracle("w", 1e-7, ours, {"weight": said}))
    assert not found.ok
    assert found.first
    assert found.first.index == (1,)


def test_without_torch_the_check_runs_without_this_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograd, "find_spec", lambda _: None)
    report = check(NAMED["softmax-regression"])
    assert report.ok
    assert {f.oracle for f in report.comparisons} == {"differences", "linearity", "golden"}
