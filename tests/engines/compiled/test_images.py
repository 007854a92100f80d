"""The compiled engine skips zeros, splits pixels, and supports batches of one image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handgrad.engines import BatchStream, ReferenceEngine, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.layers import Dense, Dropout, Flatten, Layer, LeakyReLU, ReLU, SiLU, Tanh
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Momentum, Optimizer
from tests.cases import CLASSES, Case
from tests.engines.agreement import CASE, CONFIG, assert_agree, pair, sparse


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("skip_zeros", [False, True])
@pytest.mark.parametrize("name", ["softmax-regression", "two-layer", "online-mlp"])
def test_engine_agrees_with_the_reference_with_and_without_skipping_zeros(
    name: str, skip_zeros: bool, kind: Any
) -> None:
    case = Case(name, CASE[name].layers, (1, 9, 7))
    X = sparse(case.shape, 100)
    X = X if kind is np.uint8 else (X / 255).astype(np.float32)
    order = np.random.default_rng(0).integers(0, 100, 20 * 40 - 7)
    run = BatchStream(X, case.labels(count=100), None, order, 40, [0.05] * 20)
    reference, compiled = pair(case, skip_zeros=skip_zeros)
    reference.net.fit_statistics(X)
    compiled.net.fit_statistics(X)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    np.testing.assert_allclose(reference.logits(X), compiled.logits(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(SoftmaxCrossEntropy(), SGD(), clip_norm=1e-2),
        TrainConfig(SoftmaxCrossEntropy(), SGD()),
        TrainConfig(SoftmaxCrossEntropy(), Momentum()),
    ],
    ids=["clipped", "plain", "momentum"],
)
def test_every_pixel_is_used_for_images_of_every_size(config: TrainConfig) -> None:
    for size in range(17, 101):
        case = Case("linear", (Flatten(), Dense(CLASSES)), (1, 1, size))
        X = sparse(case.shape, 64)
        run = BatchStream(X, case.labels(count=64), None, np.arange(64), 64, [0.1])
        reference = ReferenceEngine(case.network(), config)
        before = reference.net.snapshot()
        reference.run(run)
        for workers in (1, 2, 4):
            compiled = CompiledEngine(case.network(), config, workers=workers, skip_zeros=True)
            compiled.parallel_step_threshold = compiled.parallel_run_threshold = 0
            compiled.run(run)
            for name, W in before.items():
                step, found = reference.net.arrays[name] - W, compiled.net.arrays[name] - W
                apart = np.abs(found - step).max(initial=0)
                assert apart <= 1e-4 * np.abs(step).max(), (size, workers, name)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["softmax-regression", "two-layer", "online-mlp", "deep"])
def test_batches_of_one_image_agree_with_the_reference(name: str, weighted: bool) -> None:
    deep = (Flatten(), Dense(70), Tanh(), Dense(17), LeakyReLU(), Dense(33), SiLU(), Dense(CLASSES))
    case = Case(name, CASE[name].layers if name in CASE else deep, (1, 9, 7))
    X, rng = sparse(case.shape, 60), np.random.default_rng(1)
    weights = rng.random(60).astype(np.float32) if weighted else None
    run = BatchStream(X, case.labels(count=60), weights, np.arange(60), 1, [0.01] * 60)
    config = TrainConfig(SoftmaxCrossEntropy(0.1 if weighted else 0.0), SGD())
    reference, compiled = pair(case, config, workers=1)
    together = CompiledEngine(case.network(), config, workers=2)
    together.parallel_step_threshold = together.parallel_run_threshold = 0
    for engine in (reference, compiled, together):
        engine.net.fit_statistics(X)
    steps = compiled.run(run)
    assert_agree(reference, compiled, reference.run(run), steps)
    np.testing.assert_array_equal(steps.losses, together.run(run).losses)
    for key, array in compiled.net.arrays.items():
        np.testing.assert_array_equal(array, together.net.arrays[key])


def test_kernels_without_lanes_are_used_for_linear_layers_and_plain_sgd() -> None:
    def kernels(*layers: Layer, optimizer: Optimizer = SGD()) -> str:
        net = Network([Flatten(), *layers], (1, 9, 7), 5, seed=0)
        engine = CompiledEngine(net, TrainConfig(SoftmaxCrossEntropy(), optimizer))
        return " ".join(stage.kernel.name for stage in engine.plan(1, skip_zeros=True).calls)

    assert "batch_size_one.update_csr" in kernels(Dense(20), ReLU(), Dense())
    assert "batch_size_one." not in kernels(
        Dense(8), ReLU(), Dense()
    )  # 8 inputs do not fill a vector
    assert "batch_size_one." not in kernels(Dense(20), Dropout(0.5), Dense())
    assert "batch_size_one." not in kernels(Dense(20), Dense(), optimizer=Adam())


def test_zeros_are_skipped_if_most_pixels_of_the_first_images_are_zero() -> None:
    case = CASE["wide"]
    engine = CompiledEngine(case.network(), CONFIG)
    engine.logits(sparse(case.shape, 20))
    assert engine.skip_zeros
    other = CompiledEngine(case.network(), CONFIG)
    other.logits(case.examples())
    assert not other.skip_zeros


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_rounding_errors_of_many_steps_are_as_small_as_those_of_the_reference(
    skip_zeros: bool, workers: int
) -> None:
    case = Case("softmax-regression", CASE["softmax-regression"].layers, (1, 28, 28))
    X, order = sparse(case.shape, 300), np.random.default_rng(0).integers(0, 300, 500 * 64)
    run = BatchStream(X, case.labels(count=300), None, order, 64, [0.1] * 500)
    reference, compiled = pair(case, skip_zeros=skip_zeros, workers=workers)
    reference.run(run)
    compiled.run(run)
    for name, W in reference.net.parameters.items():
        assert np.abs(W - compiled.net.parameters[name]).max() < 1e-6
