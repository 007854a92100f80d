import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.layers import Context, Layer, LeakyReLU, ReLU, Shape, Sigmoid, SiLU, Tanh
from tests.gradient_checks import batches, flat, images, prove, seeds

ALL = [ReLU(), LeakyReLU(), Sigmoid(), Tanh(), SiLU()]

each = pytest.mark.parametrize("layer", ALL, ids=lambda layer: type(layer).__name__)


@each
@settings(max_examples=20)
@given(shape=flat | images, batch=batches, training=st.booleans(), seed=seeds)
def test_gradients_of_any_size(
    layer: Layer, shape: Shape, batch: int, training: bool, seed: int
) -> None:
    prove(layer, shape, batch, training, seed)


@settings(max_examples=20)
@given(st.floats(0.0, 2.0), flat, batches, seeds)
def test_gradients_of_any_slope(slope: float, shape: Shape, batch: int, seed: int) -> None:
    prove(LeakyReLU(slope), shape, batch, True, seed)


@pytest.mark.parametrize(
    ("layer", "values"),
    [
        (ReLU(), [0.0, 0.0, 2.0]),
        (LeakyReLU(0.1), [-0.2, 0.0, 2.0]),
        (Sigmoid(), [1 / (1 + math.e**2), 0.5, 1 / (1 + math.e**-2)]),
        (Tanh(), [math.tanh(-2), 0.0, math.tanh(2)]),
        (SiLU(), [-2 / (1 + math.e**2), 0.0, 2 / (1 + math.e**-2)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_by_hand(layer: Layer, values: list[float]) -> None:
    Y, _ = layer.forward({}, np.array([[-2.0, 0.0, 2.0]]), Context())
    np.testing.assert_allclose(Y, [values], rtol=1e-15)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_numbers_stay_finite(layer: Layer, dtype: type) -> None:
    X = np.array([[-1e4, -100, 0, 100, 1e4]], dtype)
    Y, cache = layer.forward({}, X, Context())
    dX, _ = layer.backward({}, cache, np.ones_like(Y))
    assert np.isfinite(Y).all()
    assert np.isfinite(dX).all()


def test_at_its_kink_relu_has_the_gradient_of_the_negative_side() -> None:
    for layer, slope in ((ReLU(), 0.0), (LeakyReLU(0.1), 0.1)):
        Y, cache = layer.forward({}, np.zeros((1, 1)), Context())
        dX, _ = layer.backward({}, cache, np.ones_like(Y))
        assert dX.item() == slope
