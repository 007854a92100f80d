import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import Context, Conv2d
from tests.gradient_checks import batches, images, prove, seeds, strides, windows


@st.composite
def convolutions(sample: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    """Draw a convolution and an image that is at least as large as its window."""
    shape, kernel = sample(images), sample(windows)
    padding = sample(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    assume(all(shape[i + 1] + 2 * padding[i] >= kernel[i] for i in (0, 1)))
    return Conv2d(sample(st.integers(1, 4)), kernel, sample(strides), padding), shape


@settings(max_examples=60)
@given(convolutions(), batches, st.booleans(), seeds)
def test_gradients_of_any_size(
    drawn: tuple[Conv2d, tuple[int, int, int]], batch: int, training: bool, seed: int
) -> None:
    prove(*drawn, batch, training, seed)


def test_by_hand() -> None:
    """The convolution is a cross-correlation, which does not flip the kernel."""
    X = np.arange(9.0).reshape(1, 1, 3, 3)
    params = {"weight": np.array([[[[1.0, 0.0], [0.0, 10.0]]]]), "bias": np.array([0.5])}
    Y, cache = Conv2d(1, 2).forward(params, X, Context())
    np.testing.assert_array_equal(Y, [[[[40.5, 51.5], [73.5, 84.5]]]])
    dX, gradients = Conv2d(1, 2).backward(params, cache, np.ones_like(Y))
    np.testing.assert_array_equal(dX, [[[[1, 1, 0], [1, 11, 10], [0, 10, 10]]]])
    np.testing.assert_array_equal(gradients["weight"], [[[[8, 12], [20, 24]]]])
    np.testing.assert_array_equal(gradients["bias"], [4])


def test_gradients_without_dx_are_the_same() -> None:
    rng, layer = np.random.default_rng(0), Conv2d(3, 3, stride=2, padding=1)
    params, output = layer.init((2, 6, 5), rng)
    _, cache = layer.forward(params, rng.normal(size=(4, 2, 6, 5)), Context())
    dY = rng.normal(size=(4, *output))
    _, gradients = layer.backward(params, cache, dY)
    for name, array in layer.gradients(params, cache, dY).items():
        np.testing.assert_array_equal(array, gradients[name])


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (Conv2d(1, 7), "its 7x7 window does not fit into 5x5"),
        (Conv2d(1, (6, 2), padding=(0, 3)), "its 6x2 window does not fit into 5x11"),
        (Conv2d(0, 3), "channels must be at least 1, not 0"),
        (Conv2d(1, 0), "kernel must be at least 1, not 0"),
        (Conv2d(1, 3, stride=(1, 0)), "stride must be at least 1, not 0"),
        (Conv2d(1, 3, padding=-1), "padding must be at least 0, not -1"),
    ],
)
def test_settings_out_of_range_are_refused(layer: Conv2d, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        layer.init((1, 5, 5), np.random.default_rng(0))


def test_flat_input_is_refused() -> None:
    with pytest.raises(ModelError, match=r"takes images \(C, H, W\), not \(25,\)"):
        Conv2d(1, 3).init((25,), np.random.default_rng(0))
