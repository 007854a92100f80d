import copy
import gc
import pickle
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import inference
from handgrad.engines.inference import FEW_IMAGES, Inference, engine_for


@dataclass(frozen=True)
class Twice:
    """A layer without a kernel."""

    def init(self, shape, rng):
        return {}, shape

    def forward(self, params, X, ctx):
        return 2 * X, None

    def backward(self, params, cache, dY):
        return 2 * dY, {}


SHAPE = (1, 8, 8)
LAYERS = {
    "dense": [hg.Normalize(), hg.Flatten(), hg.Dense(20), hg.ReLU(), hg.Dense()],
    "without a kernel": [Twice(), hg.Flatten(), hg.Dense()],
    "inner": [hg.Residual([hg.Conv2d(1, 1), Twice()]), hg.Flatten(), hg.Dense()],
    "conv": [hg.Conv2d(4, 3), hg.BatchNorm(), hg.ReLU(), hg.MaxPool2d(2), hg.Flatten(), hg.Dense()],
}


@pytest.fixture(name="X")
def images():
    return np.random.default_rng(0).integers(0, 256, (FEW_IMAGES + 200, *SHAPE)).astype(np.uint8)


def network(layers="conv", dtype=np.float32):
    net = hg.Network(LAYERS[layers], SHAPE, 5, dtype=dtype)
    net.fit_statistics(np.ones((2, *SHAPE), np.float32) * [[[[0.2]]], [[[0.9]]]])
    return net


def agree(Z, expected):
    return np.allclose(Z, expected, rtol=1e-5, atol=1e-5)


def test_few_images_are_computed_by_the_reference_engine(X, monkeypatch):
    monkeypatch.setattr(inference, "engine_named", lambda *_: pytest.fail("compiled"))
    net = network()
    computed = Inference(net)
    for part in (X[:0], X[:1], X[:500], X[:499]):  # together FEW_IMAGES
        assert np.array_equal(computed.logits(part), net.logits(part))


@pytest.mark.parametrize("layers", ["dense", "conv"])
def test_many_images_are_computed_by_the_compiled_engine(X, layers, monkeypatch):
    net = network(layers)
    expected = net.logits(X)
    monkeypatch.setattr(net, "logits", lambda _: pytest.fail("reference"))
    assert agree(Inference(net).logits(X), expected)


def test_many_calls_with_few_images_are_computed_by_the_compiled_engine(X, monkeypatch):
    net = network()
    expected = net.logits(X)
    computed = Inference(net)
    computed.logits(X[:FEW_IMAGES])
    monkeypatch.setattr(net, "logits", lambda _: pytest.fail("reference"))
    assert agree(computed.logits(X[:100]), expected[:100])


def test_the_compiled_engine_computes_few_images_if_many_are_expected(X, monkeypatch):
    model = hg.Classifier(network())
    expected = model.network.logits(X[:100])
    monkeypatch.setattr(model.network, "logits", lambda _: pytest.fail("reference"))
    model.expect(FEW_IMAGES + 1)
    assert agree(model.logits(X[:100]), expected)


@pytest.mark.parametrize(
    ("net", "count", "name"),
    [
        (network(), FEW_IMAGES, "reference"),
        (network(), FEW_IMAGES + 1, "compiled"),
        (network(dtype=np.float64), 10**6, "reference"),
        (network("without a kernel"), 10**6, "reference"),
        (
            network("inner"),
            10**6,
            "reference",
        ),
    ],
)
def test_the_engine_depends_on_the_network_and_the_number_of_images(net, count, name):
    assert engine_for(net, count) == name


def test_without_numba_the_reference_engine_answers(X, monkeypatch):
    monkeypatch.setattr(inference, "fastest_engine", lambda: "reference")
    net = network()
    assert np.array_equal(Inference(net).logits(X), net.logits(X))


@pytest.mark.parametrize("layers", ["dense", "conv"])
def test_changed_weights_and_buffers_are_seen(X, layers):
    net = network(layers)
    computed = Inference(net)
    before = computed.logits(X)
    for name in net.arrays:
        net.arrays[name] = net.arrays[name] + np.float32(0.1)
        after = computed.logits(X)
        assert agree(after, net.logits(X)), name
        assert not agree(after, before), name
        before = after


def test_continued_training_is_seen(X):
    data = hg.Dataset.from_arrays(X, np.arange(len(X)) % 5)
    model = hg.Classifier(network("dense"))
    for _ in range(2):
        before = model.logits(X)
        hg.fit(model, data, epochs=1, optimizer=hg.SGD(0.1))
        assert agree(model.logits(X), model.network.logits(X))
        assert not agree(model.logits(X), before)


def test_another_network_of_a_classifier_is_seen(X):
    model, other = hg.Classifier(network()), network("dense")
    model.logits(X)
    model.network = other
    assert agree(model.logits(X), other.logits(X))


@pytest.mark.parametrize("made", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_classifier_has_its_own_weights(X, made):
    model = hg.Classifier(network())
    before = model.logits(X)
    other = made(model)
    for name in other.network.arrays:
        other.network.arrays[name] = other.network.arrays[name] + np.float32(0.1)
    assert agree(other.logits(X), other.network.logits(X))
    assert np.array_equal(model.logits(X), before)


@pytest.mark.parametrize("layers", ["dense", "conv"])
def test_the_answer_does_not_depend_on_the_other_images(X, layers):
    computed = Inference(network(layers))
    whole = computed.logits(X)
    for part in (slice(0, 5), slice(7, 700), slice(300, 1199), slice(1000, 1200)):
        assert np.array_equal(computed.logits(X[part]), whole[part])
    assert agree(computed.logits(X[:1]), whole[:1])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_memory_mapped_file_is_read_in_parts(X, dtype, tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", X.astype(dtype))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    computed = Inference(network())
    whole, sizes = computed.logits(X.astype(dtype)), []
    of_part = computed._engine.logits
    monkeypatch.setattr(inference, "_MAX_BYTES", 1)
    monkeypatch.setattr(
        computed._engine, "logits", lambda part: sizes.append(len(part)) or of_part(part)
    )
    assert np.array_equal(computed.logits(mapped), whole)
    assert sizes == [256, 256, 256, 256, 176]


def test_images_that_are_not_finite_are_refused(X):
    images = X.astype(np.float32)
    images[1100, 0, 3, 3] = np.nan
    with pytest.raises(hg.DataError, match="NaN or infinity"):
        Inference(network()).logits(images)


@pytest.mark.parametrize("of", ["network", "classifier"])
def test_evaluate_uses_the_compiled_engine(X, of, monkeypatch):
    net = network()
    test = hg.Dataset.from_arrays(X, np.arange(len(X)) % 5)
    model = net if of == "network" else hg.Classifier(net)
    expected = hg.evaluate(model, test, logits=net.logits)
    monkeypatch.setattr(net, "logits", lambda _: pytest.fail("reference"))
    found = hg.evaluate(model, test)
    assert np.array_equal(found.confusion, expected.confusion)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)


def test_a_classifier_keeps_the_engine_of_its_network_only() -> None:
    model = hg.Classifier(network())
    X = np.zeros((FEW_IMAGES + 1, *model.shape), np.uint8)
    before = model.logits(X)
    for array in model.network.parameters.values():
        array += 1
    assert not np.array_equal(model.logits(X), before), "the weights are the current ones"
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.logits(X), model.logits(X))
    model.network = network()
    assert np.array_equal(model.logits(X), before)
    freed = weakref.ref(model.network)
    del model, other, array
    gc.collect()
    assert freed() is None
