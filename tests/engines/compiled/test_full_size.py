"""The compiled engine equals the reference engine for every built-in network on real images."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import DTypeLike

from handgrad.data import Dataset, load_data
from handgrad.engines import BatchStream, ReferenceEngine, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network
from handgrad.optim import SGD
from tests.engines.agreement import differ

pytestmark = [pytest.mark.slow, pytest.mark.mnist]
DEEP = ("deep-convnet", "resnet7")
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(), seed=0)


@cache
def mnist() -> Dataset:
    """Return the training set."""
    return load_data("mnist")[0]


def network(model: str, dtype: DTypeLike = np.float32) -> Network:
    """Return a network with the statistics of the training set."""
    net = Network(MODELS[model](), (1, 28, 28), len(mnist().classes), seed=0, dtype=dtype)
    net.fit_statistics(mnist().images)
    return net


def pair(model: str) -> tuple[ReferenceEngine, CompiledEngine]:
    """Return both engines, each with its own copy of the network."""
    return ReferenceEngine(network(model), CONFIG), CompiledEngine(network(model), CONFIG)


def batches(size: int, steps: int, lr: float) -> BatchStream:
    """Return batches of the training set in a random order."""
    images, labels = mnist()[:]
    order = np.random.default_rng(0).permutation(len(labels))[: size * steps]
    return BatchStream(images, labels, None, order, size, [lr] * steps)


@pytest.mark.parametrize("model", [model for model in MODELS if model not in DEEP])
def test_parameters_agree_after_20_steps(model: str) -> None:
    reference, compiled = pair(model)
    run = batches(100, 20, lr=0.003)
    left, right = reference.run(run), compiled.run(run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)
    assert max(differ(reference.net.arrays, compiled.net.arrays).values()) <= 1e-4


@pytest.mark.parametrize("model", DEEP)
def test_each_step_of_a_deep_network_is_as_close_to_float64_as_rounding_allows(model: str) -> None:
    """Compare medians: a rounding error that moves a unit across ReLU's kink is amplified.

    In 1 to 4 of 20 steps, even the reference engine in float32 is 2e-4 to 2e-3 from float64 (three
    orders of the images were measured). Therefore every step starts from the same parameters.
    """
    reference, compiled = pair(model)
    exact = ReferenceEngine(network(model, np.float64), CONFIG)
    run, errors = batches(100, 20, lr=0.003), {"reference": [], "compiled": []}
    for order in run.order.reshape(20, 100):
        for engine in (exact, compiled):
            engine.net.restore(reference.net.snapshot())
        batch = run._replace(order=order, lrs=run.lrs[:1])
        losses = exact.run(batch).losses
        for name, engine in (("reference", reference), ("compiled", compiled)):
            np.testing.assert_allclose(engine.run(batch).losses, losses, rtol=1e-6)
            errors[name].append(max(differ(exact.net.arrays, engine.net.arrays).values()))
    assert np.median(errors["compiled"]) <= 1e-5, errors
    assert max(errors["compiled"]) <= 3e-3, errors


@pytest.mark.parametrize(("model", "steps"), [("deep-convnet", 5), ("resnet7", 20)])
def test_the_losses_of_a_deep_network_agree_in_a_run(model: str, steps: int) -> None:
    """After 20 steps of deep-convnet, the reference's losses differ by 3e-4 from float64."""
    reference, compiled = pair(model)
    run = batches(100, steps, lr=0.003)
    left, right = reference.run(run), compiled.run(run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)


@pytest.mark.parametrize("model", ["softmax-regression", "two-layer", "online-mlp"])
def test_the_losses_of_an_epoch_agree(model: str) -> None:
    reference, compiled = pair(model)
    run = batches(128, 469, lr=0.05)
    left, right = reference.run(run), compiled.run(run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-3)
