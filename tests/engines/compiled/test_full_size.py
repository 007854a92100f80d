"""The compiled engine equals the reference engine for every built-in network on real images."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from handgrad.data import Dataset, load_data
from handgrad.engines import BatchStream, ReferenceEngine, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network
from handgrad.optim import SGD

pytestmark = [pytest.mark.slow, pytest.mark.mnist]
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(), seed=0)


@cache
def mnist() -> Dataset:
    """Return the training set."""
    return load_data("mnist")[0]


def pair(model: str) -> tuple[ReferenceEngine, CompiledEngine]:
    """Return both engines, each with its own copy of the network."""
    nets = [Network(MODELS[model](), (1, 28, 28), len(mnist().classes), seed=0) for _ in range(2)]
    for net in nets:
        net.fit_statistics(mnist().images)
    return ReferenceEngine(nets[0], CONFIG), CompiledEngine(nets[1], CONFIG)


def batches(size: int, steps: int, lr: float) -> BatchStream:
    """Return batches of the training set in a random order."""
    images, labels = mnist()[:]
    order = np.random.default_rng(0).permutation(len(labels))[: size * steps]
    return BatchStream(images, labels, None, order, size, [lr] * steps)


@pytest.mark.parametrize("model", MODELS)
def test_parameters_agree_after_20_steps(model: str) -> None:
    reference, compiled = pair(model)
    run = batches(100, 20, lr=0.003)
    left, right = reference.run(run), compiled.run(run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)
    for name, array in reference.net.arrays.items():
        distance = np.linalg.norm(array - compiled.net.arrays[name])
        assert distance <= 1e-4 * max(np.linalg.norm(array), 1e-3), name


@pytest.mark.parametrize("model", ["softmax-regression", "two-layer", "online-mlp"])
def test_the_losses_of_an_epoch_agree(model: str) -> None:
    reference, compiled = pair(model)
    run = batches(128, 469, lr=0.05)
    left, right = reference.run(run), compiled.run(run)
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-3)
