"""Properties of every layer and every network in `tests.cases`."""
# ruff: noqa: F722, F821 (jaxtyping writes shapes as strings)

import dataclasses
from typing import Any

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float32, TypeCheckError, jaxtyped

from handgrad.layers import Context, Layer, Params, Sequential
from handgrad.params import flatten
from tests.autograd_check import check_autograd
from tests.cases import CASES, Case
from tests.gradients import check_layer

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def is_deep(case: Case) -> bool:
    """Return whether a case has so many ReLUs that few draws are free of kinks."""
    return case.step < 1e-5


each_mode = pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])


def test_names_in_the_list_are_used_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@each_case
@each_mode
def test_gradients_equal_autograds(case: Case, training: bool) -> None:
    check_autograd(case, training)


@pytest.mark.parametrize("case", [c for c in CASES if not is_deep(c)], ids=lambda case: case.name)
@each_mode
def test_gradients_equal_central_differences(case: Case, training: bool) -> None:
    check_layer(case, training)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if is_deep(c)], ids=lambda case: case.name)
@each_mode
def test_gradients_of_deep_networks_equal_central_differences(case: Case, training: bool) -> None:
    check_layer(case, training)


@jaxtyped(typechecker=beartype)
def there_and_back(
    layer: Layer, params: Params, X: Float32[np.ndarray, "N *shape"], ctx: Context
) -> tuple[Float32[np.ndarray, "N *out"], Float32[np.ndarray, "N *shape"], Any, Params]:
    Y, cache = layer.forward(params, X, ctx)
    dX, gradients = layer.backward(params, cache, Y)
    return Y, dX, cache, gradients


@jaxtyped(typechecker=beartype)
def same_form(
    array: Float32[np.ndarray, "*shape"], other: Float32[np.ndarray, "*shape"]
) -> tuple[Float32[np.ndarray, "*shape"], ...]:
    return array, other


@each_case
@each_mode
def test_shapes_and_float32_are_kept(case: Case, training: bool) -> None:
    params, X = case.params(dtype=np.float32), case.examples(dtype=np.float32)
    Y, _, cache, gradients = there_and_back(case.chain, params, X, Context(training))
    assert Y.shape == (case.batch, *case.output)

    arrays, found = flatten(params), flatten(gradients)
    assert set(found) == set(arrays) - set(case.chain.buffers)
    for name, array in (found | flatten(case.chain.update_buffers(params, cache))).items():
        same_form(array, arrays[name])


@each_case
def test_initial_arrays_are_float64_with_stable_names(case: Case) -> None:
    first, shape = case.chain.init(case.shape, np.random.default_rng(0))
    second, _ = case.chain.init(case.shape, np.random.default_rng(0))
    assert shape == case.output
    for name, array in flatten(first).items():
        assert isinstance(array, np.ndarray)
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, flatten(second)[name])


@each_case
@each_mode
def test_forward_and_backward_are_pure(case: Case, training: bool) -> None:
    """The arguments may be read-only, and each call gives the same results."""
    params, X, ctx = case.params(), case.examples(), Context(training)
    for array in (X, *flatten(params).values()):
        array.setflags(write=False)
    Y, cache = case.chain.forward(params, X, ctx)
    dY = np.random.default_rng(0).normal(size=Y.shape)
    dY.setflags(write=False)
    dX, gradients = case.chain.backward(params, cache, dY)
    once = {"Y": Y.copy(), "X": dX.copy(), **{k: v.copy() for k, v in flatten(gradients).items()}}

    dX, gradients = case.chain.backward(params, cache, dY)
    again = {"Y": case.chain.forward(params, X, ctx)[0], "X": dX, **flatten(gradients)}
    for name, array in once.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)


@each_case
def test_layers_are_values(case: Case) -> None:
    for layer in case.layers:
        assert isinstance(layer, Layer)
        assert layer == dataclasses.replace(layer)  # type: ignore[type-var]
        assert hash(layer) == hash(dataclasses.replace(layer))  # type: ignore[type-var]
        with pytest.raises(dataclasses.FrozenInstanceError):
            layer.anything = 1


def test_positions_in_the_network_are_distinct() -> None:
    ctx = Context(training=True, seed=4, step=2)
    places = [ctx.inside(i) for i in range(20)]
    places += [ctx.inside(i).inside(j) for i in range(20) for j in range(20)]
    assert len({place.layer for place in places}) == 420
    assert {place[:3] for place in places} == {(True, 4, 2)}


def test_a_silent_float64_is_detected() -> None:
    with pytest.raises(TypeCheckError):
        there_and_back(Sequential(), {}, np.zeros((2, 3)), Context())
