"""The compiled engine does what the reference engine does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from handgrad.engines import Batches, Engine, ReferenceEngine, Rules, Steps
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
    Layer,
    LeakyReLU,
    ReLU,
    Shape,
    SiLU,
    Tanh,
    Tree,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from tests.cases import CASES, CLASSES, Case
from tests.engines.chains import chain_of

CASE = {case.name: case for case in CASES}
RULES = Rules(SoftmaxCrossEntropy(), SGD(0.05))
STEPS = 20


def batches(case: Case, size: int = 6, steps: int = STEPS, **others: Any) -> Batches:
    """Return batches for some steps from a few pictures, the last batch a partial one."""
    count = 3 * size + 1
    rng = np.random.default_rng(7)
    order = np.concatenate([rng.permutation(count) for _ in range(steps)])[
        : steps * size - size // 2
    ]
    run = Batches(
        case.examples(count=count, dtype=np.float32),
        case.labels(count=count),
        None,
        order,
        size,
        [0.05 / (1 + step) for step in range(steps)],
    )
    return run._replace(**others)


def pair(case: Case, rules: Rules = RULES, **settings: Any) -> tuple[ReferenceEngine, Engine]:
    """Return both engines, each with a network of its own, both networks equal."""
    return ReferenceEngine(case.network(), rules), CompiledEngine(case.network(), rules, **settings)


def differ(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, float]:
    """Return how far the arrays of two networks lie apart, relative to their norms."""
    return {
        name: float(np.linalg.norm(a[name] - b[name]) / max(np.linalg.norm(a[name]), 1e-3))
        for name in a
    }


def assert_agree(reference: Any, compiled: Any, left: Steps, right: Steps) -> None:
    """Assert that two engines came out alike."""
    apart = differ(reference.net.arrays, compiled.net.arrays)
    assert max(apart.values()) <= 1e-4, apart
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4, atol=1e-6)
    assert np.abs(left.right - right.right).sum() <= 1  # two logits may lie as close as that
    assert reference.steps == compiled.steps


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_agrees_with_the_reference_after_20_steps(case: Case) -> None:
    reference, compiled = pair(case)
    run = batches(case)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    np.testing.assert_allclose(
        reference.logits(run.pictures), compiled.logits(run.pictures), rtol=1e-3, atol=1e-4
    )


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
def test_it_agrees_for_every_optimizer_and_leaves_the_same_memory(optimizer: Optimizer) -> None:
    rules = Rules(SoftmaxCrossEntropy(), optimizer, clip_norm=0.5, seed=4)
    reference, compiled = pair(CASE["all-noise"], rules)
    run = batches(CASE["all-noise"])
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    for name, kept in reference.memory.items():
        assert max(differ(kept, compiled.memory[name]).values(), default=0) <= 1e-4


@pytest.mark.parametrize("weighted", [False, True])
def test_it_agrees_for_weights_and_smoothing(weighted: bool) -> None:
    loss = SoftmaxCrossEntropy(0.1, (1.0, 2.0, 0.0, 0.5, 3.0))
    reference, compiled = pair(CASE["wide"], Rules(loss, SGD(0.05)))
    weights = np.linspace(0, 2, 19) if weighted else None
    run = batches(CASE["wide"], weights=weights)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


def sparse(shape: Shape, count: int) -> Array:
    """Return pictures of 0..255, most of whose pixels are zero."""
    rng = np.random.default_rng(3)
    X = rng.integers(1, 256, (count, *shape)).astype(np.uint8)
    return X * (rng.random(X.shape) < 0.2).astype(np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("skip_zeros", [False, True])
@pytest.mark.parametrize("name", ["softmax-regression", "two-layer", "online-mlp"])
def test_it_agrees_whether_it_skips_zeros_or_not(name: str, skip_zeros: bool, kind: Any) -> None:
    case = Case(name, CASE[name].layers, (1, 9, 7))
    X = sparse(case.shape, 100)
    X = X if kind is np.uint8 else (X / 255).astype(np.float32)
    order = np.random.default_rng(0).integers(0, 100, 20 * 40 - 7)
    run = Batches(X, case.labels(count=100), None, order, 40, [0.05] * 20)
    reference, compiled = pair(case, skip_zeros=skip_zeros)
    reference.net.measure(X)
    compiled.net.measure(X)
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))
    np.testing.assert_allclose(reference.logits(X), compiled.logits(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["softmax-regression", "two-layer", "online-mlp", "deep"])
def test_one_picture_at_a_time(name: str, weighted: bool) -> None:
    deep = (Flatten(), Dense(70), Tanh(), Dense(17), LeakyReLU(), Dense(33), SiLU(), Dense(CLASSES))
    case = Case(name, CASE[name].layers if name in CASE else deep, (1, 9, 7))
    X, rng = sparse(case.shape, 60), np.random.default_rng(1)
    weights = rng.random(60).astype(np.float32) if weighted else None
    run = Batches(X, case.labels(count=60), weights, np.arange(60), 1, [0.01] * 60)
    rules = Rules(SoftmaxCrossEntropy(0.1 if weighted else 0.0), SGD())
    reference, compiled = pair(case, rules, workers=1)
    together = CompiledEngine(case.network(), rules, workers=2)
    together.worth_meeting = together.worth_starting = 0
    for engine in (reference, compiled, together):
        engine.net.measure(X)
    steps = compiled.run(run)
    assert_agree(reference, compiled, reference.run(run), steps)
    np.testing.assert_array_equal(steps.losses, together.run(run).losses)
    for key, array in compiled.net.arrays.items():
        np.testing.assert_array_equal(array, together.net.arrays[key])


def test_one_picture_needs_no_lanes_where_all_layers_are_linear() -> None:
    def kernels(*layers: Layer, optimizer: Optimizer = SGD()) -> str:
        net = Network([Flatten(), *layers], (1, 9, 7), 5, seed=0)
        engine = CompiledEngine(net, Rules(SoftmaxCrossEntropy(), optimizer))
        return " ".join(stage.kernel.name for stage in engine.plan(1, skip_zeros=True).stages)

    assert "single.update_on_list" in kernels(Dense(20), ReLU(), Dense())
    assert "single." not in kernels(Dense(8), ReLU(), Dense())  # 8 numbers do not fill a vector
    assert "single." not in kernels(Dense(20), Dropout(0.5), Dense())
    assert "single." not in kernels(Dense(20), Dense(), optimizer=Adam())


def test_it_measures_the_pictures_and_chooses() -> None:
    case = CASE["wide"]
    engine = CompiledEngine(case.network(), RULES)
    engine.logits(sparse(case.shape, 20))
    assert engine.skip_zeros
    other = CompiledEngine(case.network(), RULES)
    other.logits(case.examples())
    assert not other.skip_zeros


@pytest.mark.parametrize("name", ["resnet", "all-noise", "online-mlp", "convnet"])
def test_the_result_is_the_same_bit_for_bit_for_every_number_of_workers(name: str) -> None:
    case = CASE[name]
    X = sparse(case.shape, 300)
    order = np.random.default_rng(0).permutation(300)
    run = Batches(X, case.labels(count=300), None, order, 70, [0.05] * 5)
    came = []
    for workers in (1, 2, 2, 3):
        engine = CompiledEngine(case.network(), RULES, workers=workers)
        engine.worth_meeting = engine.worth_starting = 0
        steps = engine.run(run)
        came.append((steps, engine.net.arrays, engine.logits(X)))
    for steps, arrays, logits in came[1:]:
        np.testing.assert_array_equal(steps.losses, came[0][0].losses)
        np.testing.assert_array_equal(logits, came[0][2])
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, came[0][1][key])


def test_a_run_can_go_on_from_another_engines_memory() -> None:
    case, rules = CASE["all-noise"], Rules(SoftmaxCrossEntropy(), Adam(), seed=1)
    run = batches(case)
    whole = CompiledEngine(case.network(), rules)
    whole.run(run)
    first = CompiledEngine(case.network(), rules)
    first.run(run._replace(order=run.order[:60], rates=run.rates[:10]))
    second = CompiledEngine(case.network(seed=9), rules)
    second.net.restore(first.net.snapshot())
    second.steps = first.steps
    second.memory = {n: {k: a.copy() for k, a in kept.items()} for n, kept in first.memory.items()}
    second.run(run._replace(order=run.order[60:], rates=run.rates[10:]))
    for name, array in whole.net.arrays.items():
        np.testing.assert_array_equal(second.net.arrays[name], array)


def test_a_step_is_a_run_of_one_batch() -> None:
    case = CASE["resnet"]
    reference, compiled = pair(case)
    X, y = case.examples(), case.labels()
    assert isinstance(compiled, Engine)
    loss, right = compiled.step(X, y, np.arange(1.0, 6.0), 0.1)
    expected, count = reference.step(X, y, np.arange(1.0, 6.0), 0.1)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert right == count


def test_pictures_of_every_kind_are_taken_and_left_as_they_are() -> None:
    case = CASE["wide"]
    run = batches(case)
    view = np.asfortranarray(run.pictures.astype(np.float64))
    view.flags.writeable = False
    one, other = CompiledEngine(case.network(), RULES), CompiledEngine(case.network(), RULES)
    one.run(run)
    other.run(run._replace(pictures=view))
    for name, array in one.net.arrays.items():
        np.testing.assert_array_equal(other.net.arrays[name], array)


def test_no_pictures_give_no_logits() -> None:
    case = CASE["wide"]
    assert CompiledEngine(case.network(), RULES).logits(case.examples(count=0)).shape == (0, 5)


class Doubled(ReLU):
    """A layer that the engine does not know."""

    def forward(self, params: Tree, X: Array, ctx: Context) -> tuple[Array, Any]:
        return 2 * X, None

    def backward(self, params: Tree, cache: Any, dY: Array) -> tuple[Array, Tree]:
        return 2 * dY, {}


class OtherDense(Dense):
    """A layer with arrays that the engine does not know."""


class OtherNorm(BatchNorm):
    """A layer with state that the engine does not know."""


class OtherLoss(SoftmaxCrossEntropy):
    """A loss that the engine does not know."""


class OtherSGD(SGD):
    """An optimizer that the engine does not know."""


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (Rules(SoftmaxCrossEntropy(), Adam(), 0.5), "1 Doubled: there is no kernel for it"),
        (Rules(OtherLoss(), SGD(0.05)), "OtherLoss: there is no kernel for this loss"),
        (Rules(SoftmaxCrossEntropy(), OtherSGD(0.05), 0.5), "OtherSGD: there is no kernel for it"),
    ],
)
def test_what_has_no_kernel_runs_as_the_reference_and_says_so(rules: Rules, sentence: str) -> None:
    layers = (Conv2d(3, 3), Doubled(), OtherNorm(), Flatten(), OtherDense(7), Doubled())
    case = Case("unknown", (*layers, Dropout(0.2), Dense(CLASSES)), (2, 6, 5))
    reference, compiled = pair(case, rules)
    run = batches(case)
    left, right = reference.run(run), compiled.run(run)
    skipped = {"0.bias", "2.running_mean"} if isinstance(rules.optimizer, Adam) else set()
    apart = differ(reference.net.arrays, compiled.net.arrays)
    assert all(distance <= 1e-4 for name, distance in apart.items() if name not in skipped), apart
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4)
    assert sentence in str(compiled.plan(6, skip_zeros=False))


def test_only_float32_is_taken() -> None:
    with pytest.raises(ConfigError, match="works in float32, not float64; take engine='ref"):
        CompiledEngine(CASE["wide"].network(dtype=np.float64), RULES)


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ({"labels": np.full(19, CLASSES)}, "labels must be 0 to 4"),
        ({"weights": np.full(19, -1.0)}, "weights must be"),
        ({"pictures": np.zeros((19, 1, 2, 3))}, "the network takes pictures"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_as_by_the_reference(
    others: dict[str, Any], sentence: str
) -> None:
    case = CASE["wide"]
    with pytest.raises(DataError, match=sentence):
        CompiledEngine(case.network(), RULES).run(batches(case, **others))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["1.weight", "7.weight", "11.bias"])
def test_a_spoilt_weight_is_found_in_its_layer(name: str, bad: float) -> None:
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


@pytest.mark.parametrize("rate", [1e6, 1e30, 3e38])
@pytest.mark.parametrize("name", ["wide", "resnet"])
def test_it_diverges_where_the_reference_does(name: str, rate: float) -> None:
    case = CASE[name]
    errors = []
    for engine in pair(case):
        with pytest.raises(DivergenceError) as caught:
            engine.run(batches(case, rates=[rate] * STEPS))
        errors.append((caught.value.layer, caught.value.step, engine.steps))
    assert errors[0] == errors[1]


def test_a_spoilt_pixel_is_found_in_the_input() -> None:
    case = CASE["linear"]
    run = batches(case)
    run.pictures[run.order[18], 1, 3, 4] = np.nan
    engine = CompiledEngine(case.network(), RULES)
    with pytest.raises(DivergenceError, match="step 3, input: a pixel is not finite"):
        engine.run(run)
    assert engine.steps == 3
    with pytest.raises(DataError, match="NaN"):
        engine.logits(run.pictures)


def test_large_gradients_that_are_finite_do_not_stop_it() -> None:
    case = CASE["linear"]
    reference, compiled = pair(case)
    run = batches(case, rates=[1e-30] * STEPS)
    run.pictures[...] *= 1e20
    assert_agree(reference, compiled, reference.run(run), compiled.run(run))


def check_drawn(case: Case, seed: int) -> None:
    """Assert that both engines agree on a drawn chain, unless rounding alone makes it diverge."""
    rules = Rules(SoftmaxCrossEntropy(), SGD(), seed=seed)
    reference, compiled = pair(case, rules)
    exact = ReferenceEngine(case.network(dtype=np.float64), rules)
    exact.net.restore(reference.net.snapshot())
    run = batches(case, size=case.batch, rates=[0.005] * STEPS)
    try:
        left = reference.run(run)
    except DivergenceError:
        reject()
    exact.run(run)
    assume(max(differ(exact.net.arrays, reference.net.arrays).values()) <= 1e-5)
    assert_agree(reference, compiled, left, compiled.run(run))


# beartype looks at random members of what it checks, here at the settings of drawn layers.
beartype_draws = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


@beartype_draws
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 99))
def test_it_agrees_on_drawn_chains(data: st.DataObject, seed: int) -> None:
    check_drawn(chain_of(data), seed)


@pytest.mark.slow
@beartype_draws
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 99))
def test_it_agrees_on_200_drawn_chains(data: st.DataObject, seed: int) -> None:
    check_drawn(chain_of(data), seed)
