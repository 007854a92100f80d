"""The compiled engine supports user-defined layers, losses and optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from handgrad.engines import BatchStream, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.layers import (
    Array,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    LeakyReLU,
    Params,
    Residual,
    Sequential,
    Shape,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, Optimizer
from tests.cases import CLASSES, Case
from tests.engines.agreement import assert_agree, pair


class Gain:
    """Y = g X, with one g per feature."""

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        return {"weight": np.ones((shape[0], *(1 for _ in shape[1:])))}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        return X * params["weight"], X

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        weight = params["weight"]
        summed = (dY * cache).sum(axis=(0, *range(2, dY.ndim))).reshape(weight.shape)
        return dY * weight, {"weight": summed}


class GainAlone(Gain):
    """`Gain` with a method `gradients`, so that dX is not computed if it is not needed."""

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        raise AssertionError

    def gradients(self, params: Params, cache: Any, dY: Array) -> Params:
        return super().backward(params, cache, dY)[1]


class Fails(Gain):
    """`Gain`, but one of its calls raises an exception.

    Args:
        where: the method that fails.
        call: the number of the call that fails, from 1.
    """

    buffers = ("seen",)

    def __init__(self, where: str, call: int) -> None:
        self.where, self.left = where, call

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        return {**super().init(shape, rng)[0], "seen": np.zeros(1)}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        if ctx.training:
            self.look("forward")
        return super().forward(params, X, ctx)

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        self.look("backward")
        return super().backward(params, cache, dY)

    def update_buffers(self, params: Params, cache: Any) -> Params:
        self.look("update_buffers")
        return {"seen": params["seen"] + 1}

    def look(self, where: str) -> None:
        self.left -= self.where == where
        if self.where == where and self.left == 0:
            raise ValueError("no")


class FailingLoss(SoftmaxCrossEntropy):
    """A loss that raises an exception in its third call."""

    calls = 0

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        FailingLoss.calls += 1
        if FailingLoss.calls == 3:
            raise ValueError("no")
        return super().__call__(Z, y, weights)


class FailingAdam(Adam):
    """An optimizer that raises an exception in the middle of the third step of four parameters."""

    calls = 0

    def update(self, W: Array, dW: Array, memory: Mapping[str, Array], lr: float, t: int) -> None:
        super().update(W, dW, memory, lr, t)
        FailingAdam.calls += 1
        if FailingAdam.calls == 2 * 4 + 2:
            raise ValueError("no")


@pytest.mark.parametrize("size", [32, 33, 64])
@pytest.mark.parametrize(
    "first",
    [
        (Gain(),),
        (GainAlone(),),
        (Residual((Gain(),)),),
        (Residual((Conv2d(2, 1),), (Gain(),)), Gain()),
        (Sequential((Gain(), Gain())),),
    ],
    ids=["alone", "gradients alone", "in a body", "in a shortcut", "in a chain"],
)
def test_a_user_layer_may_be_the_first_layer(first: tuple[Layer, ...], size: int) -> None:
    case = Case("own", (*first, Flatten(), Dense(CLASSES)), (2, 4, 4))
    X, y = case.examples(count=100, dtype=np.float32), case.labels(count=100)
    run = BatchStream(X, y, None, np.arange(100), size, [0.05] * -(-100 // size))
    reference, compiled = pair(case)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


@pytest.mark.parametrize("optimizer", [SGD(0.05), Adam(0.05)], ids=["sgd", "adam"])
@pytest.mark.parametrize("where", ["forward", "backward", "update_buffers"])
def test_a_step_in_which_a_layer_fails_changes_nothing(where: str, optimizer: Optimizer) -> None:
    own = Fails(where, 3)
    layers = (Flatten(), Dense(4), own, BatchNorm(), Dense(CLASSES))
    assert_two_steps_made(
        Case("own", layers, (1, 4, 4)), TrainConfig(SoftmaxCrossEntropy(), optimizer)
    )


def test_a_step_in_which_the_loss_fails_changes_nothing() -> None:
    FailingLoss.calls = 0
    case = Case("own", (Flatten(), Dense(4), BatchNorm(), Dense(CLASSES)), (1, 4, 4))
    assert_two_steps_made(case, TrainConfig(FailingLoss(), SGD(0.05)))


def test_a_step_in_which_the_optimizer_fails_changes_nothing() -> None:
    FailingAdam.calls = 0
    case = Case("own", (Flatten(), Dense(4), LeakyReLU(1), Dense(CLASSES)), (1, 4, 4))
    assert_two_steps_made(case, TrainConfig(SoftmaxCrossEntropy(), FailingAdam(0.05)))


def assert_two_steps_made(case: Case, config: TrainConfig) -> None:
    """Assert that a run that failed in its third step has made two steps and can continue."""
    X, y = case.examples(count=48, dtype=np.float32), case.labels(count=48)
    whole = BatchStream(X, y, None, np.arange(48), 8, [0.05] * 6)
    engine = CompiledEngine(case.network(), config)
    with pytest.raises(ValueError, match="no"):
        engine.run(whole)
    assert engine.steps == 2
    other = CompiledEngine(case.network(), config)
    other.run(whole._replace(order=np.arange(16), lrs=[0.05] * 2))
    np.testing.assert_equal(engine.net.snapshot(), other.net.snapshot())
    np.testing.assert_equal(engine.optimizer_state, other.optimizer_state)

    engine.run(whole._replace(order=np.arange(16, 48), lrs=[0.05] * 4))
    other = CompiledEngine(case.network(), config)
    other.run(whole)
    assert engine.steps == other.steps == 6
    np.testing.assert_equal(engine.net.snapshot(), other.net.snapshot())


@pytest.mark.parametrize(
    "layer",
    [LeakyReLU(1), LeakyReLU(-2), BatchNorm(momentum=1), BatchNorm(momentum=0), BatchNorm(eps=1)],
    ids=str,
)
def test_a_float_setting_may_be_an_integer(layer: Layer) -> None:
    case = Case("settings", (Flatten(), Dense(8), layer, Dense(CLASSES)), (1, 4, 4))
    reference, compiled = pair(case)
    X, y = case.examples(count=40, dtype=np.float32), case.labels(count=40)
    run = BatchStream(X, y, None, np.arange(40), 8, [0.05] * 5)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    np.testing.assert_allclose(reference.logits(X), compiled.logits(X), rtol=1e-3, atol=1e-4)
