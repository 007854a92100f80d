import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer, clip_by_norm
from tests.extras import needs
from tests.gradient_checks import seeds
from tests.gradients import errors

torch = needs("torch")

lrs = st.floats(1e-4, 0.5)
decays = st.just(0.0) | st.floats(1e-4, 0.3)
keeps = st.floats(0, 0.99)


def shapes() -> dict[str, tuple[int, ...]]:
    return {"weight": (4, 3), "bias": (4,), "kernel": (2, 3, 3, 2)}


def ours_and_theirs(
    rule: Optimizer, counterpart: type[torch.optim.Optimizer], seed: int, **options: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return handgrad's and PyTorch's parameters after ten steps with random gradients."""
    rng = np.random.default_rng(seed)
    ours = {name: rng.normal(size=shape) for name, shape in shapes().items()}
    state = {n: {kind: np.zeros_like(W) for kind in rule.state_names} for n, W in ours.items()}
    theirs = {name: torch.tensor(W) for name, W in ours.items()}
    scales = dict(zip(ours, (1e-3, 1.0, 1e3), strict=True))
    optimizer = counterpart(list(theirs.values()), lr=rule.lr, **options)
    for t in range(1, 11):
        lr = rule.lr / t
        optimizer.param_groups[0]["lr"] = lr
        for name, W in ours.items():
            dW = rng.normal(size=W.shape) * scales[name]
            theirs[name].grad = torch.tensor(dW)
            rule.update(W, dW, state[name], lr, t)
        optimizer.step()
    return ours, {name: W.numpy() for name, W in theirs.items()}


@settings(max_examples=25)
@given(lrs, decays, seeds)
def test_sgd_equals_pytorchs(lr: float, decay: float, seed: int) -> None:
    pair = ours_and_theirs(SGD(lr, decay), torch.optim.SGD, seed, weight_decay=decay)
    assert max(errors(*pair).values()) <= 1e-12


@settings(max_examples=25)
@given(lrs, st.floats(1e-3, 0.99), st.booleans(), decays, seeds)
def test_momentum_equals_pytorchs(
    lr: float, momentum: float, nesterov: bool, decay: float, seed: int
) -> None:
    rule = Momentum(lr, momentum, nesterov, decay)
    options = {"momentum": momentum, "nesterov": nesterov, "weight_decay": decay}
    assert max(errors(*ours_and_theirs(rule, torch.optim.SGD, seed, **options)).values()) <= 1e-12


@settings(max_examples=25)
@given(lrs, keeps, keeps, seeds)
def test_adam_equals_pytorchs(lr: float, beta1: float, beta2: float, seed: int) -> None:
    options = {"betas": (beta1, beta2), "eps": 1e-8}
    pair = ours_and_theirs(Adam(lr, beta1, beta2), torch.optim.Adam, seed, **options)
    assert max(errors(*pair).values()) <= 1e-12


@settings(max_examples=25)
@given(lrs, keeps, keeps, decays, seeds)
def test_adamw_equals_pytorchs(
    lr: float, beta1: float, beta2: float, decay: float, seed: int
) -> None:
    rule = AdamW(lr, beta1, beta2, 1e-6, decay)
    options = {"betas": (beta1, beta2), "eps": 1e-6, "weight_decay": decay}
    assert max(errors(*ours_and_theirs(rule, torch.optim.AdamW, seed, **options)).values()) <= 1e-12


def step(rule: Optimizer, W: list[float], dW: list[float], times: int = 1) -> Array:
    parameter = np.array(W)
    state = {kind: np.zeros_like(parameter) for kind in rule.state_names}
    for t in range(1, times + 1):
        rule.update(parameter, np.array(dW), state, rule.lr, t)
    return parameter


def test_by_hand() -> None:
    np.testing.assert_allclose(step(SGD(0.1), [1.0], [2.0]), [0.8])
    np.testing.assert_allclose(step(SGD(0.1, weight_decay=0.5), [1.0], [2.0]), [0.75])
    np.testing.assert_allclose(step(Momentum(0.1, 0.5), [1.0], [2.0], times=2), [0.5])
    np.testing.assert_allclose(step(Momentum(0.1, 0.5, nesterov=True), [1.0], [2.0]), [0.7])


def test_adams_first_step_is_the_learning_rate_for_any_gradient() -> None:
    found = step(Adam(0.1, eps=1e-12), [1.0, 1.0, 1.0], [1e-3, -5.0, 1e3])
    np.testing.assert_allclose(found, [0.9, 1.1, 0.9], rtol=1e-8)


def test_adamw_decay_is_decoupled() -> None:
    np.testing.assert_allclose(step(AdamW(0.1, weight_decay=0.5), [2.0], [0.0]), [1.9])


@pytest.mark.parametrize("rule", [SGD(), Momentum(), Momentum(nesterov=True), Adam(), AdamW()])
def test_float32_stays_and_the_gradient_is_not_changed(rule: Optimizer) -> None:
    W, dW = np.ones(3, np.float32), np.full(3, 0.5, np.float32)
    dW.setflags(write=False)
    state = {kind: np.zeros_like(W) for kind in rule.state_names}
    rule.update(W, dW, state, 0.1, 1)
    assert W.dtype == np.float32
    assert (W < 1).all()
    assert all(array.dtype == np.float32 for array in state.values())


@settings(max_examples=30)
@given(st.floats(1e-3, 1e3), seeds)
def test_clipping_equals_pytorchs(limit: float, seed: int) -> None:
    """The results are equal except for the 1e-6 that PyTorch adds to the norm."""
    rng = np.random.default_rng(seed)
    ours = {name: rng.normal(size=shape) for name, shape in shapes().items()}
    tensors = [torch.zeros(shape, dtype=torch.float64) for shape in shapes().values()]
    for tensor, g in zip(tensors, ours.values(), strict=True):
        tensor.grad = torch.tensor(g)
    norm = clip_by_norm(ours, limit)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(tensors, limit).item(), rel=1e-14)
    short = norm / (norm + 1e-6) if norm > limit else 1.0
    for tensor, g in zip(tensors, ours.values(), strict=True):
        np.testing.assert_allclose(g * short, tensor.grad.numpy(), rtol=1e-9 if limit < norm else 0)


def test_clipping_by_hand() -> None:
    gradients = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert clip_by_norm(gradients, 10.0) == 5.0
    assert (gradients["a"].item(), gradients["b"].item()) == (3.0, 4.0)
    assert clip_by_norm(gradients, 1.0) == 5.0
    assert gradients["a"].item() == pytest.approx(0.6)
    assert gradients["b"].item() == pytest.approx(0.8)


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_limit_that_is_not_positive_is_refused(limit: float) -> None:
    with pytest.raises(ConfigError, match=f"limit must be a number above 0, not {limit}"):
        clip_by_norm({"a": np.ones(2)}, limit)


@pytest.mark.parametrize("rule", [SGD, Momentum, Adam, AdamW])
@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf])
def test_learning_rates_out_of_range_are_refused(rule: type, lr: float) -> None:
    with pytest.raises(ConfigError, match=f"lr must be a number of at least 0, not {lr}"):
        rule(lr)


@pytest.mark.parametrize(
    ("rule", "setting", "sentence"),
    [
        (SGD, {"weight_decay": -1}, "weight_decay must be a number of at least 0, not -1"),
        (Momentum, {"weight_decay": -1}, "weight_decay must be a number of at least 0, not -1"),
        (Momentum, {"momentum": 1.0}, "momentum must be at least 0 and below 1, not 1.0"),
        (Adam, {"beta1": 1.0}, "beta1 must be at least 0 and below 1, not 1.0"),
        (Adam, {"beta2": -0.1}, "beta2 must be at least 0 and below 1, not -0.1"),
        (Adam, {"eps": 0.0}, "eps must be a number above 0, not 0.0"),
        (AdamW, {"beta2": 2.0}, "beta2 must be at least 0 and below 1, not 2.0"),
        (AdamW, {"eps": -1e-8}, "eps must be a number above 0, not -1e-08"),
        (AdamW, {"weight_decay": math.nan}, "weight_decay must be a number of at least 0, not nan"),
    ],
)
def test_constants_out_of_range_are_refused(rule: type, setting: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        rule(**setting)
