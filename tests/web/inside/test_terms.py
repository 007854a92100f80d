"""The terms that the view Inside shows add up to Python's numbers and gradients."""

from collections.abc import Iterable

import numpy as np
import pytest

from handgrad.layers import LAYER_CLASSES, Array, Context
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.walk import walk_back
from tests.cases import LAYERS, NETWORKS, Case
from tests.web.inside.v8 import call, load, plain

SAMPLES = 12
each_case = pytest.mark.parametrize("case", [*LAYERS, *NETWORKS], ids=lambda case: case.name)


def sampled(size: int) -> list[int]:
    """Return some positions of an array: the first, the last, and others at random."""
    if size <= SAMPLES:
        return list(range(size))
    rng = np.random.default_rng(size)
    return sorted({0, size - 1, *rng.integers(0, size, SAMPLES - 2).tolist()})


def equal(found: Iterable[float], array: Array, indices: list[int], what: str) -> None:
    """Assert that numbers equal elements of an array in double precision."""
    scale = float(np.abs(array).max()) + 1e-300
    np.testing.assert_allclose(
        list(found), array.ravel()[indices], rtol=1e-9, atol=1e-12 * scale, err_msg=what
    )


@each_case
def test_terms_add_up_to_each_number_and_each_gradient_of_python(case: Case) -> None:
    net = case.network(dtype=np.float64)
    X, label = case.examples(count=1), 2
    load(net)
    paths = call("trace", image=plain(X[0]), label=label)

    steps = list(net.walk(X, inner=True))
    assert sorted(paths) == sorted(step.path for step in steps)
    caches = [step.cache for step in steps if "." not in step.path]
    outer = [step for step in steps if "." not in step.path]
    _, dlogits = SoftmaxCrossEntropy()(outer[-1].Y, np.array([label]))
    backward = walk_back(net.layers, net.params, caches, dlogits, inner=True)
    back = {step.path: step for step in backward}
    indices = sampled(X.size)
    slopes = call("gradients", path="input", indices=indices)
    equal(slopes, back["0"].dX, indices, "dX of the image")
    for step in steps:
        indices = sampled(step.Y.size)
        found = call("values", path=step.path, indices=indices)
        equal(found, step.Y, indices, f"{step.name} Y")
        slopes = call("gradients", path=step.path, indices=indices)
        equal(slopes, back[step.path].dY, indices, f"{step.name} dY")
    _, cache = net.forward(X, Context())
    for name, gradient in net.backward(cache, dlogits).items():
        indices = sampled(gradient.size)
        found = call("parameters", array=name, indices=indices)
        equal(found, gradient, indices, f"gradient of {name}")


def test_every_layer_class_has_terms() -> None:
    assert set(call("kinds")) == set(LAYER_CLASSES)
