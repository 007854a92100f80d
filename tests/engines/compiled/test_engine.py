"""The compiled engine agrees with the reference engine."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from handgrad.engines import BatchStream, Engine, ReferenceEngine, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.errors import ConfigError, DataError, DivergenceError
from handgrad.layers import (
    Array,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Params,
    ReLU,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from tests.cases import CASES, CLASSES, Case
from tests.engines.agreement import (
    CASE,
    CONFIG,
    STEPS,
    assert_agree,
    batches,
    differ,
    is_well_conditioned,
    pair,
    sparse,
)
from tests.engines.chains import chain_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_engine_agrees_with_the_reference_after_20_steps(case: Case) -> None:
    reference, compiled = pair(case)
    run = batches(case)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    np.testing.assert_allclose(
        reference.logits(run.images), compiled.logits(run.images), rtol=1e-3, atol=1e-4
    )


@pytest.mark.slow
def test_engine_is_as_close_to_float64_as_the_reference_for_resnet7_at_several_sizes() -> None:
    """Compare medians: a rounding error that moves a unit across ReLU's kink is amplified."""
    errors: dict[str, list[float]] = {"reference": [], "compiled": []}
    for side in (8, 10, 12, 14, 16):
        case = replace(CASE["resnet7"], shape=(1, side, side))
        exact = ReferenceEngine(case.network(dtype=np.float64), CONFIG)
        reference, compiled = pair(case)
        for engine in (exact, reference, compiled):
            engine.run(batches(case))
        for name, engine in (("reference", reference), ("compiled", compiled)):
            errors[name].append(max(differ(exact.net.arrays, engine.net.arrays).values()))
    assert np.median(errors["reference"]) < 1e-3, errors
    assert np.median(errors["compiled"]) < 2e-5, errors


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(weight_decay=0.1),
        Momentum(weight_decay=0.1),
        Momentum(nesterov=True),
        Adam(),
        AdamW(weight_decay=0.3),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_engine_agrees_for_every_optimizer_and_leaves_the_same_state(optimizer: Optimizer) -> None:
    config = TrainConfig(SoftmaxCrossEntropy(), optimizer, clip_norm=0.5, seed=4)
    reference, compiled = pair(CASE["all-noise"], config)
    run = batches(CASE["all-noise"])
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    for name, kept in reference.optimizer_state.items():
        assert max(differ(kept, compiled.optimizer_state[name]).values(), default=0) <= 1e-4


@pytest.mark.parametrize("weighted", [False, True])
def test_engine_agrees_for_weights_and_label_smoothing(weighted: bool) -> None:
    loss = SoftmaxCrossEntropy(0.1, (1.0, 2.0, 0.0, 0.5, 3.0))
    reference, compiled = pair(CASE["wide"], TrainConfig(loss, SGD(0.05)))
    weights = np.linspace(0, 2, 19) if weighted else None
    run = batches(CASE["wide"], weights=weights)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


@pytest.mark.parametrize("name", ["resnet", "all-noise", "online-mlp", "convnet"])
def test_weights_are_bit_identical_for_every_number_of_workers(name: str) -> None:
    case = CASE[name]
    X = sparse(case.shape, 300)
    order = np.random.default_rng(0).permutation(300)
    run = BatchStream(X, case.labels(count=300), None, order, 70, [0.05] * 5)
    results = []
    for workers in (1, 2, 2, 3):
        engine = CompiledEngine(case.network(), CONFIG, workers=workers)
        engine.parallel_step_threshold = engine.parallel_run_threshold = 0
        steps = engine.run(run)
        results.append((steps, engine.net.arrays, engine.logits(X)))
    for steps, arrays, logits in results[1:]:
        np.testing.assert_array_equal(steps.losses, results[0][0].losses)
        np.testing.assert_array_equal(logits, results[0][2])
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, results[0][1][key])


def test_a_run_continues_from_another_engines_state() -> None:
    case, config = CASE["all-noise"], TrainConfig(SoftmaxCrossEntropy(), Adam(), seed=1)
    run = batches(case)
    whole = CompiledEngine(case.network(), config)
    whole.run(run)
    first = CompiledEngine(case.network(), config)
    first.run(run._replace(order=run.order[:60], lrs=run.lrs[:10]))
    second = CompiledEngine(case.network(seed=9), config)
    second.net.restore(first.net.snapshot())
    second.steps = first.steps
    second.optimizer_state = {
        n: {k: a.copy() for k, a in kept.items()} for n, kept in first.optimizer_state.items()
    }
    second.run(run._replace(order=run.order[60:], lrs=run.lrs[10:]))
    for name, array in whole.net.arrays.items():
        np.testing.assert_array_equal(second.net.arrays[name], array)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_trains_like_the_engine_and_does_not_change_it(copied: Any) -> None:
    run = batches(CASE["all-noise"])
    engine = CompiledEngine(
        CASE["all-noise"].network(), TrainConfig(SoftmaxCrossEntropy(), Adam(), seed=1), workers=1
    )
    engine.run(run)
    other = copied(engine)
    assert (other.steps, other.workers, other.skip_zeros) == (engine.steps, 1, engine.skip_zeros)
    before = engine.net.snapshot()
    other.run(run)
    assert before.keys() == engine.net.arrays.keys()
    for name, array in engine.net.arrays.items():
        np.testing.assert_array_equal(array, before[name])
    engine.run(run)
    for name, array in engine.net.arrays.items():
        np.testing.assert_array_equal(array, other.net.arrays[name])


def test_step_equals_a_run_of_one_batch() -> None:
    case = CASE["resnet"]
    reference, compiled = pair(case)
    X, y = case.examples(), case.labels()
    assert isinstance(compiled, Engine)
    loss, right = compiled.step(X, y, np.arange(1.0, 6.0), 0.1)
    expected, count = reference.step(X, y, np.arange(1.0, 6.0), 0.1)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert right == count


def test_images_of_every_dtype_and_layout_are_accepted_and_not_changed() -> None:
    case = CASE["wide"]
    run = batches(case)
    view = np.asfortranarray(run.images.astype(np.float64))
    view.flags.writeable = False
    one, other = CompiledEngine(case.network(), CONFIG), CompiledEngine(case.network(), CONFIG)
    one.run(run)
    other.run(run._replace(images=view))
    for name, array in one.net.arrays.items():
        np.testing.assert_array_equal(other.net.arrays[name], array)


def test_no_images_have_no_logits() -> None:
    case = CASE["wide"]
    assert CompiledEngine(case.network(), CONFIG).logits(case.examples(count=0)).shape == (0, 5)


class Doubled(ReLU):
    """A layer without a kernel."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        return 2 * X, None

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        return 2 * dY, {}


class OtherDense(Dense):
    """A layer with parameters and without a kernel."""


class OtherNorm(BatchNorm):
    """A layer with buffers and without a kernel."""


class OtherLoss(SoftmaxCrossEntropy):
    """A loss without a kernel."""


class OtherSGD(SGD):
    """An optimizer without a kernel."""


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (TrainConfig(SoftmaxCrossEntropy(), Adam(), 0.5), "1 Doubled: there is no kernel for it"),
        (TrainConfig(OtherLoss(), SGD(0.05)), "OtherLoss: there is no kernel for this loss"),
        (
            TrainConfig(SoftmaxCrossEntropy(), OtherSGD(0.05), 0.5),
            "OtherSGD: there is no kernel for it",
        ),
    ],
)
def test_parts_without_a_kernel_run_in_python_and_are_noted_in_the_plan(
    config: TrainConfig, sentence: str
) -> None:
    layers = (Conv2d(3, 3), Doubled(), OtherNorm(), Flatten(), OtherDense(7), Doubled())
    case = Case("unknown", (*layers, Dropout(0.2), Dense(CLASSES)), (2, 6, 5))
    reference, compiled = pair(case, config)
    run = batches(case)
    left, right = reference.run(run), compiled.run(run)
    skipped = {"0.bias", "2.running_mean"} if isinstance(config.optimizer, Adam) else set()
    apart = differ(reference.net.arrays, compiled.net.arrays)
    assert all(distance <= 1e-4 for name, distance in apart.items() if name not in skipped), apart
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)
    assert sentence in str(compiled.plan(6, skip_zeros=False))


@pytest.mark.parametrize("size", [1, 4])
def test_running_statistics_do_not_change_for_one_number_per_feature(size: int) -> None:
    case = Case("vectors", (Flatten(), Dense(4), BatchNorm(), Dense(CLASSES)), (1, 4, 4))
    reference, compiled = pair(case)
    X, y = case.examples(count=9), case.labels(count=9)
    run = BatchStream(X, y, None, np.arange(9), size, [0.05] * -(-9 // size))
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


def test_networks_of_another_dtype_than_float32_are_refused() -> None:
    with pytest.raises(ConfigError, match="supports only float32, not float64"):
        CompiledEngine(CASE["wide"].network(dtype=np.float64), CONFIG)


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ({"labels": np.full(19, CLASSES)}, "labels must be 0 to 4"),
        ({"weights": np.full(19, -1.0)}, "exactly one weight per image"),
        ({"images": np.zeros((19, 1, 2, 3))}, "the network takes images"),
    ],
)
def test_invalid_data_is_refused_as_by_the_reference(others: dict[str, Any], sentence: str) -> None:
    case = CASE["wide"]
    with pytest.raises(DataError, match=sentence):
        CompiledEngine(case.network(), CONFIG).run(batches(case, **others))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["1.weight", "7.weight", "11.bias"])
def test_a_weight_that_is_not_finite_is_reported_with_its_layer(name: str, bad: float) -> None:
    case = CASE["every-activation"]
    reference, compiled = pair(case)
    for engine in (reference, compiled):
        engine.net.parameters[name].reshape(-1)[0] = bad
    before = compiled.net.snapshot()
    errors = []
    for engine in (reference, compiled):
        with pytest.raises(DivergenceError) as caught:
            engine.run(batches(case))
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    for key, array in before.items():
        np.testing.assert_array_equal(compiled.net.arrays[key], array)


@pytest.mark.parametrize("lr", [1e6, 1e30, 3e38])
@pytest.mark.parametrize("name", ["wide", "resnet"])
def test_engine_diverges_in_the_same_layer_and_step_as_the_reference(name: str, lr: float) -> None:
    case = CASE[name]
    errors = []
    for engine in pair(case):
        with pytest.raises(DivergenceError) as caught:
            engine.run(batches(case, lrs=[lr] * STEPS))
        errors.append((caught.value.layer, caught.value.step, engine.steps))
    assert errors[0] == errors[1]


def test_a_pixel_that_is_not_finite_is_reported_as_input() -> None:
    case = CASE["linear"]
    run = batches(case)
    run.images[run.order[18], 1, 3, 4] = np.nan
    engine = CompiledEngine(case.network(), CONFIG)
    with pytest.raises(DivergenceError, match="step 3, input: a pixel is not finite"):
        engine.run(run)
    assert engine.steps == 3
    with pytest.raises(DataError, match="NaN"):
        engine.logits(run.images)


def test_large_finite_gradients_do_not_stop_the_run() -> None:
    case = CASE["linear"]
    reference, compiled = pair(case)
    run = batches(case, lrs=[1e-30] * STEPS)
    run.images[...] *= 1e20
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


def check_random_chain(case: Case, seed: int) -> None:
    """Assert that both engines agree on a random chain, unless rounding errors make it diverge."""
    config = TrainConfig(SoftmaxCrossEntropy(), SGD(), seed=seed)
    reference, compiled = pair(case, config)
    exact = ReferenceEngine(case.network(dtype=np.float64), config)
    exact.net.restore(reference.net.snapshot())
    run = batches(case, size=case.batch, lrs=[0.005] * STEPS)
    try:
        left = reference.run(run)
    except DivergenceError:
        reject()
    assume(is_well_conditioned(exact, reference, exact.run(run), left))
    assert_agree(reference, compiled, left, compiled.run(run))


# beartype checks random elements of containers, here the settings of random layers.
beartype_draws = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


@beartype_draws
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 99))
def test_engines_agree_on_random_chains(data: st.DataObject, seed: int) -> None:
    check_random_chain(chain_of(data), seed)


@pytest.mark.slow
@beartype_draws
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 99))
def test_engines_agree_on_200_random_chains(data: st.DataObject, seed: int) -> None:
    check_random_chain(chain_of(data), seed)
