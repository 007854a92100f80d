import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import (
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from tests.gradient_checks import flat, images, prove, seeds

elementwise = st.sampled_from([ReLU(), LeakyReLU(0.2), Sigmoid(), Tanh(), SiLU(), Dropout(0.3)])
# One batch norm at most: a second one leaves the first without a gradient, but for its eps.
heads = st.sampled_from([(), (BatchNorm(),)])
ways = st.builds(lambda head, tail: (*head, *tail), heads, st.lists(elementwise, max_size=4))


@settings(max_examples=25)
@given(st.lists(st.builds(Dense, st.integers(1, 6)) | elementwise, max_size=6), flat, seeds)
def test_gradients_of_any_chain(layers: list[Layer], shape: Shape, seed: int) -> None:
    prove(Sequential(tuple(layers)), shape, 5, True, seed)


@settings(max_examples=25)
@given(ways, ways, flat | images, st.booleans(), seeds)
def test_gradients_of_any_residual(
    body: tuple[Layer, ...], shortcut: tuple[Layer, ...], shape: Shape, training: bool, seed: int
) -> None:
    prove(Residual(body, shortcut), shape, 6, training, seed)


def test_names_are_paths_to_the_layer() -> None:
    layers = (Dense(3), Residual((BatchNorm(), Sequential((Dense(3),))), (BatchNorm(),)))
    tree, shape = Sequential(layers).init((4,), np.random.default_rng(0))
    assert shape == (3,)
    assert set(tree["1"]["body"]["1"]["0"]) == {"weight", "bias"}
    assert Sequential(layers).buffers == (
        "1.body.0.running_mean",
        "1.body.0.running_var",
        "1.shortcut.0.running_mean",
        "1.shortcut.0.running_var",
    )


def test_an_empty_residual_doubles() -> None:
    X = np.ones((2, 3))
    params, _ = Residual(()).init((3,), np.random.default_rng(0))
    Y, cache = Residual(()).forward(params, X, Context())
    np.testing.assert_array_equal(Y, 2 * X)
    np.testing.assert_array_equal(Residual(()).backward(params, cache, X)[0], 2 * X)


def test_two_dropouts_in_a_row_have_different_masks() -> None:
    chain, X = Sequential((Dropout(0.5), Dropout(0.5))), np.ones((50, 40))
    params, _ = chain.init((40,), np.random.default_rng(0))
    Y, _ = chain.forward(params, X, Context(training=True))
    assert (Y > 0).mean() == pytest.approx(0.25, abs=0.03)


def test_body_and_shortcut_have_different_masks() -> None:
    layer, X = Residual((Dropout(0.5),), (Dropout(0.5),)), np.ones((50, 40))
    params, _ = layer.init((40,), np.random.default_rng(0))
    Y, _ = layer.forward(params, X, Context(training=True))
    assert set(np.unique(Y)) == {0.0, 2.0, 4.0}


def test_body_and_shortcut_of_different_shapes_are_refused() -> None:
    layer = Residual((Conv2d(4, 3),))
    with pytest.raises(
        ModelError, match=r"its body returns \(4, 3, 3\) and its shortcut \(2, 5, 5\)"
    ):
        layer.init((2, 5, 5), np.random.default_rng(0))


def test_the_error_names_the_layer_and_its_input() -> None:
    chain = Sequential((ReLU(), Residual((Conv2d(1, 9),))))
    sentence = (
        r"^layer 1 \(Residual\), given \(1, 5, 5\): layer 0 \(Conv2d\), given \(1, 5, 5\): "
        "its 9x9 window does not fit into 5x5"
    )
    with pytest.raises(ModelError, match=sentence):
        chain.init((1, 5, 5), np.random.default_rng(0))
