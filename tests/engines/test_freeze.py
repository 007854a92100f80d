"""Frozen layers: all engines agree, and nothing in a frozen layer changes by a single bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.engines import BatchStream, Engine, ReferenceEngine, engine_named
from handgrad.engines.compiled import CompiledEngine
from handgrad.freeze import frozen_layers
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, AdamW, Momentum, Optimizer
from handgrad.train_config import TrainConfig
from tests.engines import agreement
from tests.engines.agreement import differ, sparse
from tests.engines.chains import chain_of

ENGINES = ("reference", "compiled", "torch")
CONVOLUTIONS = (
    *(hg.Normalize(), hg.Conv2d(4, 3, padding=1), hg.BatchNorm(), hg.ReLU(), hg.MaxPool2d(2)),
    *(hg.Dropout2d(0.3), hg.Residual((hg.Conv2d(4, 3, padding=1), hg.Tanh(), hg.BatchNorm()))),
    *(hg.Flatten(), hg.Dense(12), hg.SiLU(), hg.Dropout(0.3), hg.Dense()),
)
DENSE = (
    *(hg.Normalize(), hg.Flatten(), hg.Dense(20), hg.BatchNorm(), hg.ReLU(), hg.Dense(16)),
    *(hg.Tanh(), hg.Dense()),
)
OPTIMIZERS: dict[str, Optimizer] = {
    "SGD": SGD(0.05),
    "decay": SGD(0.05, weight_decay=0.1),
    "Momentum": Momentum(0.05, weight_decay=0.1),
    "AdamW": AdamW(0.01, weight_decay=0.1),
}
CASES = [
    *((CONVOLUTIONS, freeze) for freeze in (2, 3, 7, "features")),
    *((DENSE, freeze) for freeze in (3, 4, "features")),
]


def network(layers: Any = CONVOLUTIONS, shape: Any = (1, 8, 8), seed: int = 0) -> Network:
    net = Network(layers, shape, 5, seed=seed)
    rng = np.random.default_rng(seed)
    for array in net.arrays.values():  # running statistics unlike those of the images
        array += rng.uniform(0, 0.1, array.shape).astype(np.float32)
    net.is_fitted = True
    return net


def batches(size: int = 20, steps: int = 15, shape: Any = (1, 8, 8)) -> BatchStream:
    count = 3 * size + 1
    rng = np.random.default_rng(7)
    order = np.concatenate([rng.permutation(count) for _ in range(steps)])[: steps * size]
    labels = rng.integers(0, 5, count)
    return BatchStream(sparse(shape, count), labels, None, order, size, [0.02] * steps)


def sha(net: Network, frozen: int) -> dict[str, str]:
    return {
        name: hashlib.sha256(array.tobytes()).hexdigest()
        for name, array in net.arrays.items()
        if int(name.split(".")[0]) < frozen
    }


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(("layers", "freeze"), CASES)
def test_engines_agree_and_frozen_layers_keep_every_bit(
    layers: tuple[Any, ...], freeze: int | str, optimizer: Optimizer
) -> None:
    config = TrainConfig(optimizer=optimizer, freeze=freeze, seed=3)
    start = network(layers)
    frozen = frozen_layers(start, freeze)
    before, trained = sha(start, frozen), {}
    for name in ENGINES:
        net = start.copy()
        engine = engine_named(name, net, config)
        results = engine.run(batches())
        trained[name] = net, results
        assert sha(net, frozen) == before, name
        assert all(int(key.split(".")[0]) >= frozen for key in engine.optimizer_state)
        changed = [k for k, W in net.parameters.items() if not np.array_equal(W, start.arrays[k])]
        assert {int(k.split(".")[0]) for k in changed} == {
            int(k.split(".")[0]) for k in net.parameters if int(k.split(".")[0]) >= frozen
        }
    reference, expected = trained.pop("reference")
    for name, (net, results) in trained.items():
        apart = differ(reference.arrays, net.arrays)
        assert max(apart.values()) <= 1e-4, (name, apart)
        np.testing.assert_allclose(results.losses, expected.losses, rtol=1e-4, err_msg=name)


def check_random_chain(data: st.DataObject) -> None:
    """Freeze some first layers of a drawn network, and compare the compiled engine."""
    case = chain_of(data)
    net = case.network()
    indices = sorted({int(name.split(".")[0]) for name in net.parameters})
    assume(len(indices) > 1)
    freeze = data.draw(st.integers(indices[0] + 1, indices[-1]), label="freeze")
    optimizer = data.draw(st.sampled_from([SGD(), SGD(weight_decay=0.1), OwnRule(0.01, 0.1)]))
    config = TrainConfig(optimizer=optimizer, freeze=freeze)
    run = agreement.batches(case, data.draw(st.sampled_from([1, case.batch]), label="size"))
    run = run._replace(lrs=[0.005] * len(run.lrs))
    reference, compiled = agreement.pair(case, config)
    exact = ReferenceEngine(case.network(dtype=np.float64), config)
    exact.net.restore(net.snapshot())
    before = sha(net, freeze)
    try:
        left = reference.run(run)
    except hg.DivergenceError:
        reject()
    wanted = exact.run(run)
    assume(all(amplification(exact.net, X) < 50 for X, _, _, _ in run.in_turn()))
    right = compiled.run(run)
    assert [sha(engine.net, freeze) for engine in (reference, compiled)] == [before, before]
    assume(agreement.is_well_conditioned(exact, reference, wanted, left))
    agreement.assert_agree(reference, compiled, left, right)


def amplification(net: Network, X: Array) -> float:
    """Return by which factor a batch norm amplifies rounding errors, at most."""
    factors = [
        (np.abs(step.X) / np.sqrt(step.X.var(axis=0) + 1e-5)).max()
        for step in net.walk(X)
        if isinstance(step.layer, hg.BatchNorm)
    ]
    return max(factors, default=0)


class OwnRule(SGD):
    """An optimizer without a kernel."""


# beartype checks random elements of containers, here the settings of random layers.
beartype_draws = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


@beartype_draws
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_layers_are_frozen_in_the_compiled_engine(data: st.DataObject) -> None:
    check_random_chain(data)


@pytest.mark.slow
@beartype_draws
@settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.data())
def test_100_random_networks_are_frozen_in_the_compiled_engine(data: st.DataObject) -> None:
    check_random_chain(data)


@pytest.mark.parametrize("freeze", [3, 7, "features"])
def test_frozen_layers_compute_what_they_compute_at_inference(freeze: int | str) -> None:
    """The same as a network of the remaining layers, trained on the features."""
    net = network()
    frozen = frozen_layers(net, freeze)
    config = TrainConfig(SoftmaxCrossEntropy(), SGD(0.05), freeze=freeze)
    run = batches(steps=1)
    X = next(run.in_turn())[0]
    features = list(net.walk(X))[frozen - 1].Y
    engine = ReferenceEngine(net, config)
    trace = engine.inspect(X, run.labels[run.order], None)
    names = list(trace.activations)
    np.testing.assert_array_equal(trace.activations[names[frozen - 1]], features)
    assert all(int(name.split(".")[0]) >= frozen for name in trace.gradients)


def test_freezing_in_lockstep() -> None:
    train, _ = hg.load_data("digits")
    few = train.take(np.arange(200))

    def make(name: str) -> Callable[[Network, TrainConfig], Engine]:
        return lambda net, config: engine_named(name, net, config.replace(freeze=6))

    result = hg.compare_engines(
        Network(CONVOLUTIONS, train.shape, 10),
        few,
        engines={name: make(name) for name in ENGINES},
        steps=8,
        optimizer=Momentum(),
    )
    assert result.divergence is None, result


@pytest.mark.parametrize("layers", [CONVOLUTIONS, DENSE])
def test_the_number_of_threads_does_not_change_the_weights(layers: tuple[Any, ...]) -> None:
    trained = []
    for workers in (1, 2, 3):
        net = network(layers)
        engine = CompiledEngine(net, TrainConfig(freeze=3), workers=workers)
        engine.parallel_step_threshold = engine.parallel_run_threshold = 0
        engine.run(batches(size=80))
        trained.append(net.arrays)
    for arrays in trained[1:]:
        assert all(np.array_equal(arrays[name], trained[0][name]) for name in arrays)


def test_plan_of_frozen_layers_has_no_backward_kernels() -> None:
    report = hg.plan(network(), freeze="features")
    backward = {line.name: line.backward for line in report.layers}
    assert backward["11 Dense"] > 0
    assert sum(backward.values()) == backward["11 Dense"]
    assert "the first 9 layers are frozen" in report.notes


def test_a_user_layer_with_buffers_can_be_frozen() -> None:
    class Counting(hg.BatchNorm):
        """A layer without a kernel."""

    layers = (hg.Flatten(), hg.Dense(12), Counting(), hg.ReLU(), hg.Dense())
    for name in ("reference", "compiled"):
        net = network(layers)
        before = sha(net, 3)
        config = TrainConfig(optimizer=AdamW(0.01), freeze=3)
        engine_named(name, net, config).run(batches())
        assert sha(net, 3) == before, name


@pytest.mark.parametrize(
    ("layers", "freeze", "message"),
    [
        (CONVOLUTIONS, 1, "has no effect: the first layer with parameters is 1 (Conv2d)"),
        (CONVOLUTIONS, 12, "leaves no layer with parameters to train; freeze at most 11 layers"),
        ((hg.Flatten(), hg.Dense()), "features", "none with parameters"),
        ((hg.Flatten(), hg.Dense()), 2, "freeze at most 1 layer"),
    ],
)
def test_freezing_without_effect_or_without_rest_is_refused(
    layers: Any, freeze: int | str, message: str
) -> None:
    for name in ENGINES:
        with pytest.raises(hg.ConfigError) as error:
            engine_named(name, network(layers), TrainConfig(freeze=freeze))
        assert message in str(error.value)


@pytest.mark.parametrize("freeze", [-1, 1.5, True, "all", None])
def test_freeze_is_a_number_of_layers_or_features(freeze: Any) -> None:
    with pytest.raises(hg.ConfigError, match="freeze must be a number of layers"):
        TrainConfig(freeze=freeze)


def test_weight_averaging_keeps_frozen_arrays() -> None:
    train, _ = hg.load_data("digits")
    few = train.take(np.arange(200))
    net = Network(CONVOLUTIONS, train.shape, 10)
    net.fit_statistics(few.images)
    before: dict[str, Array] = net.snapshot()
    hg.fit(net, few, epochs=2, freeze=7, average_weights=1, engine="reference")
    for name, array in net.arrays.items():
        assert np.array_equal(array, before[name]) == (int(name.split(".")[0]) < 7), name
