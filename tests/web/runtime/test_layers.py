"""Every layer in JavaScript computes what it computes in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.gradient_check.registry import CASES
from handgrad.gradient_check.target import Target
from handgrad.layers import (
    LAYER_CLASSES,
    AvgPool2d,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.random import stream_key, uniforms
from tests.gradient_checks import batches, flat, images, seeds
from tests.layers.test_conv import convolutions
from tests.layers.test_pool import pools
from tests.web.runtime.compare import check_layer
from tests.web.runtime.v8 import JavaScriptError, plain_layer, runtime

sizes = flat | images
rates = st.floats(0, 0.95)
Drawn = tuple[Any, Shape]


def of_any_size(layers: st.SearchStrategy[Any], shapes: Any = sizes) -> st.SearchStrategy[Drawn]:
    return st.tuples(layers, shapes)


norms = st.just(BatchNorm())
elementwise = st.sampled_from([ReLU(), LeakyReLU(0.2), Sigmoid(), Tanh(), SiLU(), Dropout(0.3)])
# One batch norm at most: a second one multiplies the rounding errors of the first.
branches = st.one_of(
    *(st.tuples(*head, *(elementwise,) * n) for n in range(3) for head in ((), (norms,)))
)

# How to draw a layer and the shape of its input. A class without an entry has only the test cases
# of the gradient check. For a layer that contains others, its arguments are drawn.
DRAWN: dict[type, st.SearchStrategy[Drawn]] = {
    Dense: of_any_size(st.builds(Dense, st.integers(1, 7)), flat),
    Conv2d: convolutions(),
    MaxPool2d: pools(MaxPool2d),
    AvgPool2d: pools(AvgPool2d),
    GlobalAvgPool2d: of_any_size(st.just(GlobalAvgPool2d()), images),
    Flatten: of_any_size(st.just(Flatten())),
    BatchNorm: of_any_size(st.builds(BatchNorm, st.floats(1e-6, 1e-2), st.floats(0, 1))),
    Normalize: of_any_size(st.just(Normalize())),
    ReLU: of_any_size(st.just(ReLU())),
    LeakyReLU: of_any_size(st.builds(LeakyReLU, st.floats(0, 2))),
    Sigmoid: of_any_size(st.just(Sigmoid())),
    Tanh: of_any_size(st.just(Tanh())),
    SiLU: of_any_size(st.just(SiLU())),
    Dropout: of_any_size(st.builds(Dropout, rates)),
    Dropout2d: of_any_size(st.builds(Dropout2d, rates), images),
    Sequential: of_any_size(st.tuples(branches)),
    Residual: of_any_size(st.tuples(branches, branches)),
}

TARGETS = [target for targets in CASES.values() for target in targets]
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.mark.parametrize("name", LAYER_CLASSES)
@settings(max_examples=30, deadline=None)
@given(
    data=st.data(), batch=batches, training=st.booleans(), seed=seeds, step=st.integers(0, 2**40)
)
def test_layers_of_any_size_compute_the_same(
    name: str, data: st.DataObject, batch: int, training: bool, seed: int, step: int
) -> None:
    cls = LAYER_CLASSES[name]
    cases = st.sampled_from([(target.layer, target.shape) for target in CASES[cls]])
    layer, shape = data.draw(DRAWN.get(cls, cases))
    layer = cls(*layer) if isinstance(layer, tuple) else layer
    point = Target("drawn", layer, shape, batch).point(seed, training)
    check_layer(runtime(), layer, point._replace(ctx=Context(training, seed, step, layer=7)))


@settings(max_examples=20)
@given(seeds, st.lists(st.integers(0, 2**53 - 1), max_size=3), st.integers(0, 50))
def test_random_streams_have_the_same_numbers(seed: int, place: list[int], count: int) -> None:
    found = runtime().call("uniforms", seed=seed, stream="dropout", place=place, count=count)
    assert found == uniforms(stream_key(seed, "dropout", *place), count).tolist()


@each_target
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_the_cases_of_the_gradient_check_compute_the_same(target: Target, training: bool) -> None:
    check_layer(runtime(), target.layer, target.point(0, training))


@each_target
def test_results_agree_with_python_in_float32(target: Target) -> None:
    check_layer(runtime(), target.layer, target.point(1, True), np.float32)


@each_target
def test_arrays_and_output_have_the_same_shapes(target: Target) -> None:
    params, output = target.layer.init(target.shape, np.random.default_rng(0))
    description = plain_layer(target.layer)
    found = runtime().call("shapes", layer=description, shape=target.shape)
    assert found == [_shapes(params), list(output)]


def _shapes(tree: Any) -> Any:
    is_tree = isinstance(tree, dict)
    return {k: _shapes(v) for k, v in tree.items()} if is_tree else list(tree.shape)


def test_equal_pixels_and_extreme_numbers_give_the_same_results() -> None:
    X = np.array([[[[1.0, 1, -0.0, 0], [1, 1, 0, -0.0], [5, 2, 7, 3], [2, 5, 7, 7]]]])
    point = Target("pool", MaxPool2d(2), (1, 4, 4), 1).point(0, False)
    check_layer(runtime(), MaxPool2d(2), point._replace(X=X))
    for layer in (ReLU(), LeakyReLU(), Sigmoid(), SiLU()):
        for x in (np.finfo(np.float64).max, 1e3, -1e3, -np.finfo(np.float64).max):
            check_layer(runtime(), layer, point._replace(X=np.array([[x]]), dY=np.ones((1, 1))))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2d(1, 7), (1, 5, 5)),
        (Conv2d(1, 3), (5,)),
        (Conv2d(0, 3), (1, 5, 5)),
        (Conv2d(1, 0), (1, 5, 5)),
        (Conv2d(1, 3, stride=(1, 0)), (1, 5, 5)),
        (Conv2d(1, 3, padding=-1), (1, 5, 5)),
        (MaxPool2d(2, padding=2), (1, 5, 5)),
        (AvgPool2d(9), (1, 5, 5)),
        (GlobalAvgPool2d(), (5,)),
        (Dense(0), (5,)),
        (Dense(3), (1, 5, 5)),
        (Dense(), (5,)),
        (BatchNorm(eps=0), (5,)),
        (BatchNorm(momentum=2), (5,)),
        (Dropout(1.0), (5,)),
        (Dropout2d(0.5), (5,)),
        (Residual((Conv2d(4, 3),)), (2, 7, 7)),
    ],
)
def test_what_python_refuses_is_refused(layer: Layer, shape: Shape) -> None:
    with pytest.raises(ModelError):
        layer.init(shape, np.random.default_rng(0))
    with pytest.raises(JavaScriptError) as caught:
        runtime().call("shapes", layer=plain_layer(layer), shape=shape)
    assert caught.value.kind == "ModelError"


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ({"kind": "Gelu"}, 'there is no layer "Gelu"'),
        ({"kind": "constructor"}, 'there is no layer "constructor"'),
        ({"kind": ["ReLU"]}, "there is no layer (ReLU)"),
        (None, "there is no layer undefined"),
        ({"kind": "LeakyReLU", "slop": 1}, 'LeakyReLU has no setting "slop"'),
        ({"kind": "Conv2d", "channels": 1}, "Conv2d needs the setting kernel"),
        ({"kind": "Sequential", "layers": 3}, "the layers must be a list"),
        ({"kind": "Conv2d", "channels": 1.5, "kernel": 1}, "channels must be an integer"),
        ({"kind": "Conv2d", "channels": 1, "kernel": [1]}, "kernel must be a pair, not (1)"),
        ({"kind": "Conv2d", "channels": 1, "kernel": "3"}, "kernel must be an integer"),
    ],
)
def test_a_wrong_description_is_named(description: Any, sentence: str) -> None:
    with pytest.raises(JavaScriptError) as caught:
        runtime().call("shapes", layer=description, shape=(1, 5, 5))
    assert sentence in str(caught.value)
    assert caught.value.kind == "ModelError"
