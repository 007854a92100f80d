import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import BatchStream, Engine, ReferenceEngine, TrainConfig
from handgrad.errors import DivergenceError
from handgrad.layers import Array, Context
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer, clip_by_norm
from tests.cases import CASES, CLASSES, Case

CASE = {case.name: case for case in CASES}
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(0.1))

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def batches(case: Case, count: int = 13, size: int = 5, lr: float = 0.05) -> BatchStream:
    """Return batches of images in a random order; the last batch is smaller."""
    order = np.random.default_rng(7).permutation(count)
    lrs = [lr / (step + 1) for step in range(-(-count // size))]
    labels = case.labels(count=count)
    return BatchStream(case.examples(count=count), labels, None, order, size, lrs)


def by_hand(net: Network, config: TrainConfig, run: BatchStream) -> list[float]:
    """Train with an explicit loop, like an engine."""
    losses = []
    memory = {
        name: {kind: np.zeros_like(W) for kind in config.optimizer.state_names}
        for name, W in net.parameters.items()
    }
    for step, lr in enumerate(run.lrs):
        chosen = run.order[step * run.size : (step + 1) * run.size]
        weights = None if run.weights is None else run.weights[chosen]
        ctx = Context(training=True, seed=config.seed, step=step)
        logits, cache = net.forward(run.images[chosen], ctx)
        loss, dlogits = config.loss(logits, run.labels[chosen], weights)
        gradients = net.backward(cache, dlogits)
        if config.clip_norm is not None:
            clip_by_norm(gradients, config.clip_norm)
        for name, W in net.parameters.items():
            config.optimizer.update(W, gradients[name], memory[name], lr, step + 1)
        net.update_buffers(cache)
        losses.append(loss)
    return losses


@each_case
def test_a_run_equals_an_explicit_loop(case: Case) -> None:
    config, run = (
        TrainConfig(SoftmaxCrossEntropy(0.1), Adam(), clip_norm=1.0, seed=3),
        batches(case),
    )
    engine, other = ReferenceEngine(case.network(), config), case.network()
    steps = engine.run(run)
    assert steps.losses.tolist() == by_hand(other, config, run)
    for name, array in other.arrays.items():
        np.testing.assert_array_equal(engine.net.arrays[name], array)
    np.testing.assert_array_equal(engine.logits(run.images), other.logits(run.images))


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(), Momentum(nesterov=True), AdamW()])
def test_every_optimizer_and_its_memory(optimizer: Optimizer) -> None:
    case = CASE["resnet"]
    engine, other = (
        ReferenceEngine(case.network(), TrainConfig(CONFIG.loss, optimizer)),
        case.network(),
    )
    assert isinstance(engine, Engine)
    engine.run(batches(case))
    by_hand(other, engine.config, batches(case))
    assert engine.steps == 3
    for name, array in other.parameters.items():
        np.testing.assert_array_equal(engine.net.parameters[name], array)
        assert set(engine.optimizer_state[name]) == set(optimizer.state_names)
        for kept in engine.optimizer_state[name].values():
            assert kept.shape == array.shape
            assert kept.any()


def test_the_optimizer_state_can_be_set_to_continue_a_run() -> None:
    case, config = CASE["all-noise"], TrainConfig(SoftmaxCrossEntropy(), Adam(), seed=1)
    run = batches(case)
    whole = ReferenceEngine(case.network(), config)
    whole.run(run)
    first = ReferenceEngine(case.network(), config)
    first.run(run._replace(order=run.order[:5], lrs=run.lrs[:1]))
    second = ReferenceEngine(case.network(seed=9), config)
    second.net.restore(first.net.snapshot())
    second.steps = first.steps
    second.optimizer_state = {
        n: {k: a.copy() for k, a in kept.items()} for n, kept in first.optimizer_state.items()
    }
    second.run(run._replace(order=run.order[5:], lrs=run.lrs[1:]))
    for name, array in whole.net.arrays.items():
        np.testing.assert_array_equal(second.net.arrays[name], array)


def test_a_step_is_a_run_of_one_batch() -> None:
    case = CASE["resnet"]
    X, y = case.examples(), case.labels()
    weights = np.arange(1.0, 6.0)
    one, other = ReferenceEngine(case.network(), CONFIG), ReferenceEngine(case.network(), CONFIG)
    loss, right = one.step(X, y, weights, 0.1)
    steps = other.run(BatchStream(X, y, weights, np.arange(5), 5, [0.1]))
    assert (loss, right) == (steps.losses[0], steps.correct[0])
    for name, array in one.net.arrays.items():
        np.testing.assert_array_equal(other.net.arrays[name], array)


def test_the_last_partial_batch_is_counted_right() -> None:
    """With a learning rate of 0 the network is unchanged, so the correct ones can be recounted."""
    case = CASE["linear"]
    run = batches(case)._replace(lrs=[0.0] * 3)
    engine = ReferenceEngine(case.network(), CONFIG)
    steps = engine.run(run)
    y = run.labels[run.order]
    logits = engine.logits(run.images[run.order])
    right = (logits.argmax(axis=1) == y).astype(int)
    assert steps.correct.tolist() == [right[:5].sum(), right[5:10].sum(), right[10:].sum()]
    assert steps.losses[2] == pytest.approx(CONFIG.loss(logits[10:], y[10:])[0], rel=1e-6)
    assert (steps.losses.dtype, steps.correct.dtype) == (np.float64, np.int64)


def test_weights_follow_the_images_they_belong_to() -> None:
    case = CASE["linear"]
    weights = np.zeros(13)
    weights[4] = 2.0  # one image alone counts; batches without it teach nothing
    run = batches(case)._replace(weights=weights)
    engine = ReferenceEngine(case.network(), CONFIG)
    before = CONFIG.loss(engine.logits(run.images[4:5]), run.labels[4:5])[0]
    steps = engine.run(run)
    assert sorted(steps.losses)[:2] == [0, 0]
    assert max(steps.losses) == pytest.approx(before, rel=1e-5)


DEEP = CASE["every-activation"]


def diverging(net: Network, X: Array, lr: float = 0.1, y: Array | None = None) -> DivergenceError:
    """Run many steps, and return the error of the first one that diverges."""
    y = DEEP.labels() if y is None else y
    run = BatchStream(
        np.tile(X, (200, 1, 1, 1)), np.tile(y, 200), None, np.arange(1000), 5, [lr] * 200
    )
    with pytest.raises(DivergenceError) as caught:
        ReferenceEngine(net, CONFIG).run(run)
    return caught.value


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("index", [1, 3, 5, 7, 9, 11])
def test_a_non_finite_weight_is_found_in_its_layer(index: int, bad: float) -> None:
    net = DEEP.network()
    net.parameters[f"{index}.weight"][0, 0] = bad
    before = net.snapshot()
    error = diverging(net, DEEP.examples())
    assert (error.step, error.layer) == (0, f"{index} (Dense)")
    sentence = f"step 0, {index} (Dense): its output is not finite; lower the learning rate"
    assert str(error).startswith(sentence)
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


@pytest.mark.parametrize("name", ["0.weight", "0.bias", "3.body.0.weight", "4.shortcut.1.bias"])
def test_a_non_finite_weight_is_found_in_the_outermost_layer(name: str) -> None:
    net = CASE["resnet"].network()
    net.parameters[name].reshape(-1)[0] = np.nan
    error = diverging(net, CASE["resnet"].examples())
    index = int(name[0])
    assert error.layer == f"{index} ({type(net.layers[index]).__name__})"


def test_a_non_finite_pixel_is_found_in_the_input() -> None:
    X = DEEP.examples()
    X[2, 1, 3, 4] = np.nan
    net = DEEP.network()
    before = net.snapshot()
    error = diverging(net, X)
    assert error.layer == "input"
    assert str(error).startswith("step 0, input: a pixel is not finite")
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


def test_an_overflow_in_the_loss_is_found_there() -> None:
    net = CASE["linear"].network()
    net.parameters["1.bias"][:2] = [3e38, -3e38]
    error = diverging(net, CASE["linear"].examples(), y=np.ones(5, int))
    assert error.layer == "loss"


def test_an_overflow_in_the_backward_pass_is_found_in_its_layer() -> None:
    net = CASE["wide"].network()
    net.parameters["1.weight"] *= 1e-30
    net.parameters["3.weight"] *= 1e30
    X = CASE["wide"].examples() * 1e20
    error = diverging(net, X)
    assert error.layer == "1 (Dense)"
    assert "its gradient is not finite" in str(error)


@pytest.mark.parametrize("lr", [math.inf, math.nan])
def test_a_non_finite_learning_rate_is_found_in_the_update(lr: float) -> None:
    error = diverging(DEEP.network(), DEEP.examples(), lr)
    assert error.step == 0
    assert "after the update is not finite" in str(error)


def test_a_learning_rate_that_is_too_high_diverges_after_some_steps() -> None:
    error = diverging(CASE["wide"].network(), CASE["wide"].examples(), lr=1e9)
    assert 0 < error.step < 200


def digest(seed: int) -> str:
    """Return the digest of all arrays after a run with dropout and batch norm."""
    case = CASE["resnet"]
    engine = ReferenceEngine(
        case.network(seed), TrainConfig(SoftmaxCrossEntropy(), Adam(), seed=seed)
    )
    engine.run(batches(case, count=50))
    return hashlib.sha256(b"".join(a.tobytes() for a in engine.net.arrays.values())).hexdigest()


def test_the_same_seed_gives_the_same_network_twice_and_in_another_process() -> None:
    first = digest(seed=1)
    assert digest(seed=1) == first
    assert digest(seed=2) != first
    root = Path(__file__).parents[2]
    program = "from tests.engines.test_reference import digest; print(digest(seed=1))"
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == first


def test_a_run_learns() -> None:
    case = CASE["wide"]
    engine = ReferenceEngine(case.network(), TrainConfig(SoftmaxCrossEntropy(), Adam()))
    run = batches(case, count=40)
    losses = [engine.run(run._replace(lrs=[0.01] * 8)).losses.mean() for _ in range(60)]
    assert losses[0] > 1
    assert losses[-1] < 0.05
    assert (engine.logits(run.images).argmax(axis=1) == run.labels).all()
    assert engine.logits(run.images).shape == (40, CLASSES)


def test_the_public_protocols_match_their_implementations() -> None:
    engine = ReferenceEngine(CASE["linear"].network(), CONFIG)
    assert isinstance(engine, hg.Engine)
    assert isinstance(engine.net.layers[-1], hg.Layer)
    assert isinstance(CONFIG.loss, hg.Loss)
    assert isinstance(CONFIG.optimizer, hg.Optimizer)
    assert not isinstance(CONFIG.loss, hg.Layer)
