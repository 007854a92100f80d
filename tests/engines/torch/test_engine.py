"""The torch engine trains like the reference engine, for every layer and every network."""

from collections import OrderedDict
from functools import partial

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import BatchStream, Engine, Inspectable, ReferenceEngine, TrainConfig
from handgrad.errors import DivergenceError, ModelError
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from handgrad.random import stream_key
from handgrad.random import uniforms as our_uniforms
from tests.cases import CASES, CLASSES, Case
from tests.extras import needs

torch = needs("torch")

from handgrad.engines.torch import TorchEngine, from_torch, to_torch  # noqa: E402
from handgrad.engines.torch.dropout import set_step, uniforms  # noqa: E402

CASE = {case.name: case for case in CASES}
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(0.1))
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: dtype.__name__)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU here")

cpu = partial(TorchEngine, device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Use one PyTorch thread, because these networks are too small for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batches(case: Case, count: int = 97, size: int = 5, lr: float = 0.002) -> BatchStream:
    """Return 20 batches in a random order; the last one is smaller."""
    order = np.random.default_rng(7).permutation(count)
    lrs = [lr / (1 + step / 10) for step in range(-(-count // size))]
    return BatchStream(case.examples(count=count), case.labels(count=count), None, order, size, lrs)


def assert_equal(one, other, tolerance):
    """Compare the arrays of two engines, relative to the norm of each layer."""
    for name, array in one.net.arrays.items():
        layer = name.rpartition(".")[0]
        whole = [A for other_name, A in one.net.arrays.items() if other_name.startswith(layer)]
        scale = max(1.0, *(float(np.linalg.norm(A)) for A in whole))
        error = np.linalg.norm(other.net.arrays[name] - array)
        assert error <= tolerance * scale, (name, error / scale)


@each_dtype
@each_case
def test_after_20_steps_both_engines_have_the_same_arrays(case: Case, dtype: type) -> None:
    config = TrainConfig(SoftmaxCrossEntropy(0.1), SGD(), seed=3)
    ours, theirs = (make(case.network(dtype=dtype), config) for make in (ReferenceEngine, cpu))
    run = batches(case)
    expected, found = ours.run(run), theirs.run(run)
    assert theirs.steps == len(run.lrs) == 20
    np.testing.assert_allclose(found.losses, expected.losses, rtol=TOLERANCE[dtype])
    assert np.abs(found.correct - expected.correct).sum() <= (dtype == np.float32)
    assert_equal(ours, theirs, TOLERANCE[dtype])
    expected, found = ours.logits(run.images), theirs.logits(run.images)
    assert found.dtype == dtype
    assert np.linalg.norm(found - expected) <= TOLERANCE[dtype] * np.linalg.norm(expected)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(weight_decay=0.1),
        Momentum(weight_decay=0.1),
        Momentum(momentum=0.5, nesterov=True),
        Momentum(momentum=0.0, nesterov=True),
        Adam(beta1=0.8, beta2=0.99, eps=1e-6),
        AdamW(weight_decay=0.2),
    ],
    ids=repr,
)
def test_every_optimizer_and_its_state(optimizer: Optimizer) -> None:
    case, config = CASE["resnet"], TrainConfig(SoftmaxCrossEntropy(), optimizer, seed=1)
    ours, theirs = (make(case.network(dtype=np.float64), config) for make in (ReferenceEngine, cpu))
    run = batches(case, count=30)
    ours.run(run)
    theirs.run(run)
    assert_equal(ours, theirs, 1e-9)
    for name, kept in ours.optimizer_state.items():
        assert set(theirs.optimizer_state[name]) == set(kept) == set(optimizer.state_names)
        for kind, array in kept.items():
            if getattr(optimizer, "momentum", 1):  # without momentum the velocity is not needed
                np.testing.assert_allclose(
                    theirs.optimizer_state[name][kind], array, rtol=1e-7, atol=1e-12
                )


@pytest.mark.parametrize("optimizer", [Momentum(), AdamW()], ids=repr)
@pytest.mark.parametrize("second", [ReferenceEngine, cpu])
def test_one_engine_can_continue_the_run_of_another(optimizer: Optimizer, second) -> None:
    case, config = CASE["all-noise"], TrainConfig(SoftmaxCrossEntropy(), optimizer, seed=1)
    run = batches(case, count=40)
    whole = cpu(case.network(dtype=np.float64), config)
    whole.run(run)
    first = cpu(case.network(dtype=np.float64), config)
    first.run(run._replace(order=run.order[:25], lrs=run.lrs[:5]))
    rest = second(case.network(seed=9, dtype=np.float64), config)
    rest.net.restore(first.net.snapshot())
    rest.steps = first.steps
    rest.optimizer_state = {
        n: {k: a.copy() for k, a in kept.items()} for n, kept in first.optimizer_state.items()
    }
    rest.run(run._replace(order=run.order[25:], lrs=run.lrs[5:]))
    assert_equal(whole, rest, 1e-9)


def test_clipping_equals_pytorchs_and_is_close_to_handgrads() -> None:
    """PyTorch divides by the norm plus 1e-6; here this sum is greater than 1."""
    case, config = CASE["wide"], TrainConfig(SoftmaxCrossEntropy(), SGD(), clip_norm=1.0)
    ours, theirs = (make(case.network(dtype=np.float64), config) for make in (ReferenceEngine, cpu))
    start = case.network(dtype=np.float64)
    for engine in (ours, theirs):
        engine.run(batches(case, count=20, lr=0.1))
    assert_equal(ours, theirs, 1e-6)
    moved = sum(np.linalg.norm(ours.net.arrays[n] - A) ** 2 for n, A in start.arrays.items()) ** 0.5
    assert moved <= 0.4  # four steps of 0.1, each of a gradient of norm 1 at most


@each_dtype
def test_weights_of_images_and_of_classes(dtype: type) -> None:
    case = CASE["fashion-mlp"]
    loss = SoftmaxCrossEntropy(0.2, class_weights=(1.0, 2.0, 0.5, 0.0, 3.0))
    config = TrainConfig(loss, SGD())
    ours, theirs = (make(case.network(dtype=dtype), config) for make in (ReferenceEngine, cpu))
    run = batches(case)
    weights = np.arange(97.0)
    weights[run.order[:5]] = 0  # a batch that teaches nothing
    expected, found = (engine.run(run._replace(weights=weights)) for engine in (ours, theirs))
    assert found.losses[0] == expected.losses[0] == 0
    np.testing.assert_allclose(found.losses, expected.losses, rtol=TOLERANCE[dtype])
    assert_equal(ours, theirs, TOLERANCE[dtype])


def test_read_only_uint8_images_are_scaled_as_in_handgrad() -> None:
    case = CASE["conv-3x3"]
    X = np.random.default_rng(0).integers(0, 256, (97, *case.shape), np.uint8)[:, :, ::-1]
    X.setflags(write=False)
    run = batches(case)._replace(images=X)
    ours, theirs = (make(case.network(dtype=np.float64), CONFIG) for make in (ReferenceEngine, cpu))
    np.testing.assert_allclose(theirs.run(run).losses, ours.run(run).losses, rtol=1e-9)
    np.testing.assert_allclose(theirs.logits(X), ours.logits(X), rtol=1e-9, atol=1e-9)
    assert theirs.logits(X[:0]).shape == (0, CLASSES)


def test_a_step_is_a_run_of_one_batch() -> None:
    case = CASE["resnet"]
    X, y, weights = case.examples(), case.labels(), np.arange(1.0, 6.0)
    one, other = cpu(case.network(), CONFIG), cpu(case.network(), CONFIG)
    loss, right = one.step(X, y, weights, 0.1)
    steps = other.run(BatchStream(X, y, weights, np.arange(5), 5, [0.1]))
    assert (loss, right) == (steps.losses[0], steps.correct[0])
    assert_equal(one, other, 0.0)
    assert isinstance(one, Engine)
    assert (steps.losses.dtype, steps.correct.dtype) == (np.float64, np.int64)


def test_a_run_without_batches_changes_nothing() -> None:
    case = CASE["linear"]
    engine = cpu(case.network(), CONFIG)
    steps = engine.run(batches(case)._replace(order=np.zeros(0, int), lrs=[]))
    assert (len(steps.losses), len(steps.correct), engine.steps) == (0, 0, 0)


@each_case
def test_a_module_has_our_names_and_layouts(case: Case) -> None:
    net = case.network(dtype=np.float64)
    before = torch.get_rng_state()
    module = to_torch(net)
    assert torch.equal(torch.get_rng_state(), before), "the user's random numbers were drawn from"
    state = module.state_dict()
    assert {name: tuple(A.shape) for name, A in state.items()} == {
        name: A.shape for name, A in net.arrays.items()
    }
    X = case.examples()
    np.testing.assert_allclose(
        module.eval()(torch.from_numpy(X)).detach(), net.logits(X), rtol=1e-12, atol=1e-12
    )
    fresh = case.network(seed=5, dtype=np.float64)
    module.load_state_dict({name: torch.from_numpy(A) for name, A in fresh.arrays.items()})
    from_torch(module, net)
    for name, array in fresh.arrays.items():
        np.testing.assert_array_equal(net.arrays[name], array)


def test_a_users_module_is_imported_by_names() -> None:
    net = Network([hg.Flatten(), hg.Dense(4), hg.BatchNorm(), hg.Dense()], (1, 2, 3), 3)
    nn = torch.nn
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    from_torch(module, net)
    X = np.random.default_rng(0).normal(size=(5, 1, 2, 3)).astype(np.float32)
    expected = module.eval()(torch.from_numpy(X)).detach()
    np.testing.assert_allclose(net.logits(X), expected, rtol=1e-5, atol=1e-6)
    to_torch(net).load_state_dict(OrderedDict(module.state_dict()))  # its counter is no trouble
    with pytest.raises(ModelError, match=r"array 3\.bias is missing"):
        from_torch(nn.Sequential(*module[:3], nn.Linear(4, 3, bias=False)), net)


@pytest.mark.parametrize("key", [0, 5, 2**63 + 12345, 2**64 - 1])
def test_uniforms_equal_handgrads(key: int) -> None:
    signed = key - 2**64 if key >> 63 else key
    found = uniforms(torch.tensor(signed), 1000)
    np.testing.assert_array_equal(found, our_uniforms(key, 1000))


def test_dropout_is_pytorchs_until_a_step_is_set() -> None:
    module = to_torch(Network([hg.Flatten(), hg.Dropout(0.5), hg.Dense()], (1, 30, 30), 2)).train()
    drop, X = module[1], torch.ones(3, 900)
    torch.manual_seed(0)
    assert not torch.equal(drop(X), drop(X))
    set_step(module, 4, 2)
    kept = our_uniforms(stream_key(4, "dropout", 2, 2), 2700) >= 0.5
    np.testing.assert_array_equal(drop(X), 2.0 * kept.reshape(3, 900))
    assert torch.equal(drop(X), drop(X))
    assert "1.key" not in module.state_dict()


DEEP = CASE["every-activation"]


def diverging(net, X, lr=0.1, y=None, make=cpu):
    """Run many steps; return the engine and the error of the first one that diverges."""
    y = DEEP.labels() if y is None else y
    lrs = [lr] * 200
    run = BatchStream(np.tile(X, (200, 1, 1, 1)), np.tile(y, 200), None, np.arange(1000), 5, lrs)
    engine = make(net, CONFIG)
    with pytest.raises(DivergenceError) as caught:
        engine.run(run)
    return caught.value, engine


@pytest.mark.parametrize("index", [1, 5, 11])
def test_a_nan_weight_is_located_in_its_layer(index: int) -> None:
    net = DEEP.network()
    net.parameters[f"{index}.weight"][0, 0] = np.nan
    before = net.snapshot()
    error, engine = diverging(net, DEEP.examples())
    assert (error.step, error.layer, engine.steps) == (0, f"{index} (Dense)", 0)
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


def test_running_statistics_are_kept_when_a_step_fails() -> None:
    case = CASE["resnet"]
    net = case.network()
    net.parameters["7.bias"][0] = np.inf
    before = net.snapshot()
    error, _ = diverging(net, case.examples(), y=case.labels())
    assert error.layer == "7 (Dense)"
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


def test_a_nan_pixel_an_overflowing_loss_and_a_nan_lr_are_located() -> None:
    X = DEEP.examples()
    X[2, 1, 3, 4] = np.nan
    assert diverging(DEEP.network(), X)[0].layer == "input"
    net = CASE["linear"].network()
    net.parameters["1.bias"][:2] = [3e38, -3e38]
    assert diverging(net, CASE["linear"].examples(), y=np.ones(5, int))[0].layer == "loss"
    error, _ = diverging(DEEP.network(), DEEP.examples(), np.inf)
    assert "after the update is not finite" in str(error)


def test_divergence_is_located_in_the_same_step_as_in_the_reference() -> None:
    case = CASE["wide"]
    (ours, first), (theirs, second) = (
        diverging(case.network(dtype=np.float64), case.examples(), lr=1e200, make=make)
        for make in (ReferenceEngine, cpu)
    )
    assert (theirs.step, theirs.layer) == (ours.step, ours.layer)
    assert 0 < theirs.step == second.steps == first.steps < 200


@each_dtype
@pytest.mark.parametrize("name", ["resnet", "all-noise", "convnet", "chain-empty"])
def test_intermediate_results_equal_the_references(name: str, dtype: type) -> None:
    case = CASE[name]
    config = TrainConfig(SoftmaxCrossEntropy(), SGD(), seed=2)
    ours, theirs = (make(case.network(dtype=dtype), config) for make in (ReferenceEngine, cpu))
    X, y, weights = case.examples(), case.labels(), np.arange(1.0, 6.0)
    before = ours.net.snapshot()
    expected, found = (engine.inspect(X, y, weights) for engine in (ours, theirs))
    assert list(found.activations) == list(expected.activations)
    assert set(found.gradients) == set(expected.gradients) == set(ours.net.parameters)
    assert set(found.flows) <= set(expected.flows)
    assert "loss" in found.flows
    for part, other in zip(found, expected, strict=True):
        for key, array in part.items():
            error = np.linalg.norm(array - other[key])
            limit = 1e-12 if dtype == np.float64 else 1e-4
            assert error <= limit * max(1, np.linalg.norm(other[key])), key
    for engine in (ours, theirs):
        assert isinstance(engine, Inspectable)
        assert engine.steps == 0
        for key, array in before.items():
            np.testing.assert_array_equal(engine.net.arrays[key], array)
        engine.step(X, y, weights, 1e-3)
    assert_equal(ours, theirs, TOLERANCE[dtype])


def test_mixed_precision_is_near_and_leaves_the_arrays_in_float32() -> None:
    case = CASE["convnet"]
    exact, mixed = cpu(case.network(), CONFIG), cpu(case.network(), CONFIG, amp=True)
    run = batches(case, count=10)
    expected, found = exact.run(run), mixed.run(run)
    assert np.abs(found.losses - expected.losses).max() > 0
    np.testing.assert_allclose(found.losses, expected.losses, rtol=0.05)
    assert {array.dtype for array in mixed.net.arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch about itself
def test_compiled_by_torch_it_computes_the_same() -> None:
    case, config = CASE["all-noise"], TrainConfig(SoftmaxCrossEntropy(), Momentum(), seed=1)
    plain, compiled = (cpu(case.network(), config, compile=flag) for flag in (False, True))
    run = batches(case)
    np.testing.assert_allclose(compiled.run(run).losses, plain.run(run).losses, rtol=1e-4)
    assert_equal(plain, compiled, 1e-4)


@needs_gpu
@each_dtype
@pytest.mark.parametrize("name", ["convnet", "resnet", "all-noise", "fashion-mlp"])
def test_a_gpu_computes_the_same(name: str, dtype: type) -> None:
    case, config = CASE[name], TrainConfig(SoftmaxCrossEntropy(), Momentum(), seed=1)
    ours = ReferenceEngine(case.network(dtype=dtype), config)
    theirs = TorchEngine(case.network(dtype=dtype), config, device="cuda")
    run = batches(case)
    expected, found = ours.run(run), theirs.run(run)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=TOLERANCE[dtype])
    assert_equal(ours, theirs, TOLERANCE[dtype])
