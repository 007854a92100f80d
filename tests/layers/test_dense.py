import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import Context, Dense
from tests.gradient_checks import batches, flat, prove, seeds


@settings(max_examples=40)
@given(st.integers(1, 7), flat, batches, st.booleans(), seeds)
def test_gradients_of_any_size(
    units: int, shape: tuple[int], batch: int, training: bool, seed: int
) -> None:
    prove(Dense(units), shape, batch, training, seed)


def test_by_hand() -> None:
    params = {"weight": np.array([[1.0, 2.0], [3.0, 4.0]]), "bias": np.array([10.0, 20.0])}
    Y, cache = Dense(2).forward(params, np.array([[1.0, -1.0]]), Context())
    np.testing.assert_array_equal(Y, [[9.0, 19.0]])
    dX, gradients = Dense(2).backward(params, cache, np.array([[1.0, 10.0]]))
    np.testing.assert_array_equal(dX, [[31.0, 42.0]])
    np.testing.assert_array_equal(gradients["weight"], [[1.0, -1.0], [10.0, -10.0]])
    np.testing.assert_array_equal(gradients["bias"], [1.0, 10.0])


def test_gradients_without_dx_are_the_same() -> None:
    rng = np.random.default_rng(0)
    params, _ = Dense(4).init((3,), rng)
    _, cache = Dense(4).forward(params, rng.normal(size=(5, 3)), Context())
    dY = rng.normal(size=(5, 4))
    _, gradients = Dense(4).backward(params, cache, dY)
    for name, array in Dense(4).gradients(params, cache, dY).items():
        np.testing.assert_array_equal(array, gradients[name])


def test_images_are_refused() -> None:
    with pytest.raises(ModelError, match=r"takes flat input .* put Flatten\(\) before it"):
        Dense(3).init((1, 4, 4), np.random.default_rng(0))


def test_units_must_be_set_except_in_the_last_layer() -> None:
    with pytest.raises(ModelError, match="units is not set"):
        Dense().init((4,), np.random.default_rng(0))


@pytest.mark.parametrize("units", [0, -1])
def test_it_needs_at_least_one_unit(units: int) -> None:
    with pytest.raises(ModelError, match=f"units must be at least 1, not {units}"):
        Dense(units).init((4,), np.random.default_rng(0))
