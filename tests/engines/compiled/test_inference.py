"""The compiled engine's logits for few and many images, changed parameters and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from handgrad.engines import TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import named
from handgrad.network import Network
from handgrad.optim import SGD

THREADS = 8


def images(count: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 256, (count, 1, 28, 28), np.uint8)
    return X * (rng.random(X.shape) < 0.2).astype(np.uint8)


def network(name: str) -> Network:
    net = Network(named(name), (1, 28, 28), 10, seed=3)
    net.fit_statistics(images(50))
    return net


def compiled(net: Network, **options: Any) -> CompiledEngine:
    return CompiledEngine(net, TrainConfig(SoftmaxCrossEntropy(), SGD(0.1)), **options)


@pytest.mark.parametrize("name", ["online-mlp", "two-layer", "lenet5", "fashion-mlp"])
@pytest.mark.parametrize("count", [1, 4, 5, 16, 17, 300])
def test_logits_of_few_and_many_images_are_the_networks(name: str, count: int) -> None:
    net, X = network(name), images(count)
    found = compiled(net).logits(X)
    assert found.shape == (count, 10)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, net.logits(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [1, 40])
def test_parameters_changed_in_place_take_effect_at_once(count: int) -> None:
    net, X = network("two-layer"), images(count)
    engine = compiled(net)
    before = engine.logits(X)
    for name in [*net.parameters, *net.buffers]:
        net.arrays[name].reshape(-1)[0] += 0.5  # in place, without a notification
        now = engine.logits(X)
        np.testing.assert_allclose(now, net.logits(X), rtol=1e-4, atol=1e-5)
        net.arrays[name].reshape(-1)[0] -= 0.5
    np.testing.assert_allclose(engine.logits(X), before, rtol=1e-4, atol=1e-5)
    net.parameters["4.bias"][3] += 0.5
    np.testing.assert_allclose(
        engine.logits(X) - before, np.eye(10)[3] * 0.5 * np.ones((count, 1)), atol=1e-5
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_several_threads_may_compute_logits_with_one_engine(workers: int) -> None:
    net = network("two-layer")
    engine, gate = compiled(net, workers=workers), Barrier(THREADS)

    def ask(thread: int) -> float:
        X = [images(1 + 9 * n, seed=10 * thread + n) for n in range(10)]
        wanted = [net.logits(x) for x in X]
        gate.wait()
        return max(
            float(np.abs(engine.logits(x) - w).max())
            for _ in range(5)
            for x, w in zip(X, wanted, strict=True)
        )

    with ThreadPoolExecutor(THREADS) as pool:
        assert max(pool.map(ask, range(THREADS))) < 1e-4
