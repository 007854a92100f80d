"""Networks in JavaScript give the logits, gradients and training steps that they give in Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from handgrad.classifier.architecture import describe
from handgrad.layers import Array, Context
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network
from handgrad.optim import Momentum
from handgrad.params import flatten
from tests.cases import NAMED, NETWORKS, Case
from tests.web.runtime.compare import DOUBLE, FLOAT32_FORWARD, STEPS, equal, equal_arrays
from tests.web.runtime.v8 import Runtime, runtime, settings_of

each_network = pytest.mark.parametrize("case", [*NETWORKS, *NAMED], ids=lambda case: case.name)


def load(rt: Runtime, net: Network) -> None:
    """Build a network in JavaScript with the same arrays."""
    description = describe(net) | {"classes": list(range(net.classes))}
    rt.call("network", description=description, arrays=dict(net.arrays))


@each_network
def test_every_output_and_gradient_has_its_path_and_value(case: Case) -> None:
    net = case.network(dtype=np.float64)
    load(runtime(), net)
    X, ctx = case.examples(), Context(True, seed=5, step=2)
    steps = list(net.walk(X, ctx, inner=True))
    cache = [step.cache for step in steps if "." not in step.path]
    dlogits = np.random.default_rng(0).normal(size=(len(X), net.classes))
    found = runtime().call("walk", images=X, ctx=ctx._asdict(), dlogits=dlogits)

    assert [s["path"] for s in found["forward"]] == [s.path for s in steps]
    for got, step in zip(found["forward"], steps, strict=True):
        assert got["name"] == step.name
        equal(got["X"], step.X, DOUBLE, f"{step.name} X")
        equal(got["Y"], step.Y, DOUBLE, f"{step.name} Y")
    back = list(net.walk_back(cache, dlogits, to_input=True, inner=True))
    assert [s["path"] for s in found["backward"]] == [s.path for s in back]
    for got, own in zip(found["backward"], back, strict=True):
        equal(got["dX"], own.dX, DOUBLE, f"{own.name} dX")
        equal(got["dY"], own.dY, DOUBLE, f"{own.name} dY")
        gradients = flatten(own.gradients)
        equal_arrays(flatten(got["gradients"]), gradients, DOUBLE, f"{own.name} gradient")


@each_network
def test_ten_training_steps_end_in_the_same_arrays(case: Case) -> None:
    """Masks of dropout and running statistics are part of the steps."""
    net, optimizer = case.network(dtype=np.float64), Momentum(0.01, 0.9)
    load(runtime(), net)
    images = [case.examples(seed) for seed in range(STEPS)]
    labels = [case.labels(seed) for seed in range(STEPS)]
    found = runtime().call(
        "train",
        kind="Momentum",
        settings=settings_of(optimizer),
        images=images,
        labels=[y.tolist() for y in labels],
        seed=9,
    )
    velocity = {name: np.zeros_like(array) for name, array in net.parameters.items()}
    for t, (X, y) in enumerate(zip(images, labels, strict=True), 1):
        logits, cache = net.forward(X, Context(True, seed=9, step=t - 1))
        loss, dlogits = SoftmaxCrossEntropy()(logits, y)
        equal(found["losses"][t - 1], loss, DOUBLE, f"loss of step {t}")
        for name, dW in net.backward(cache, dlogits).items():
            state = {"velocity": velocity[name]}
            optimizer.update(net.parameters[name], dW, state, optimizer.lr, t)
        net.update_buffers(cache)
    equal_arrays(found["arrays"], net.arrays, DOUBLE, "after ten steps:")


def check_logits(net: Network, images: Array, tolerance: float, batch: int = 20) -> None:
    """Assert that labels are the same, and logits to within a tolerance of the largest."""
    load(runtime(), net)
    parts = [
        _logits(images[at : at + batch]) for at in range(0, len(images), batch)
    ]  # in batches, because the columns of all images need gigabytes
    found, logits = np.concatenate(parts), net.logits(images)
    assert np.abs(found - logits).max() <= tolerance * np.abs(logits).max()
    np.testing.assert_array_equal(found.argmax(axis=1), logits.argmax(axis=1))


def _logits(images: Array) -> Array:
    data = json.dumps(images.ravel().tolist())
    found: dict[str, Any] = runtime().call(
        "logits", shape=images.shape, json=data, bytes=images.dtype == np.uint8
    )
    return found["logits"]


@pytest.mark.parametrize("name", MODELS)
def test_named_models_answer_a_few_images_alike(name: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 1, 28, 28), dtype=np.uint8)
    check_logits(Network(MODELS[name](), (1, 28, 28), 10), images, FLOAT32_FORWARD)


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("name", MODELS)
def test_named_models_answer_1000_test_images_alike(name: str) -> None:
    import handgrad as hg

    train, test = hg.load_data("mnist")
    net = Network(MODELS[name](), train.shape, 10)
    hg.fit(net, train.take(np.arange(2000)), epochs=1)
    check_logits(net, test.images[:1000], FLOAT32_FORWARD)
    untrained = Network(MODELS[name](), train.shape, 10, dtype=np.float64)
    check_logits(untrained, test.images[:1000], DOUBLE)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 1, 28, 27), "the network takes images (N, 1, 28, 28), not an array of (1,1,28,27)"),
        ((1, 28, 28), "the network takes images"),
    ],
)
def test_images_of_another_shape_are_refused(shape: tuple[int, ...], sentence: str) -> None:
    load(runtime(), Network(MODELS["softmax-regression"](), (1, 28, 28), 10))
    with pytest.raises(Exception, match="takes images") as caught:
        _logits(np.zeros(shape))
    assert sentence in str(caught.value)
