import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import AvgPool2d, Context, GlobalAvgPool2d, MaxPool2d
from tests.gradient_checks import batches, flat, images, prove, seeds, strides, windows

Pool = type[MaxPool2d] | type[AvgPool2d]

both = pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])


@st.composite
def pools(sample: st.DrawFn, kind: Pool) -> tuple[MaxPool2d | AvgPool2d, tuple[int, int, int]]:
    """Draw a pooling layer and an image that is at least as large as its window."""
    shape, kernel = sample(images), sample(windows)
    padding = sample(st.tuples(*(st.integers(0, size // 2) for size in kernel)))
    assume(all(shape[i + 1] + 2 * padding[i] >= kernel[i] for i in (0, 1)))
    return kind(kernel, sample(st.none() | strides), padding), shape


@both
@settings(max_examples=40)
@given(data=st.data(), batch=batches, training=st.booleans(), seed=seeds)
def test_gradients_of_any_size(
    kind: Pool, data: st.DataObject, batch: int, training: bool, seed: int
) -> None:
    prove(*data.draw(pools(kind)), batch, training, seed)


@settings(max_examples=20)
@given(images, batches, st.booleans(), seeds)
def test_gradients_of_the_global_mean(
    shape: tuple[int, int, int], batch: int, training: bool, seed: int
) -> None:
    prove(GlobalAvgPool2d(), shape, batch, training, seed)


def test_of_equal_pixels_the_first_gets_the_gradient() -> None:
    layer, X = MaxPool2d(2), np.zeros((1, 1, 2, 2))
    _, cache = layer.forward({}, X, Context())
    dX, _ = layer.backward({}, cache, np.array([[[[5.0]]]]))
    np.testing.assert_array_equal(dX, [[[[5, 0], [0, 0]]]])


def test_padding_is_never_the_maximum() -> None:
    X = np.full((1, 1, 3, 3), -7.0)
    Y, _ = MaxPool2d(3, stride=2, padding=1).forward({}, X, Context())
    np.testing.assert_array_equal(Y, np.full((1, 1, 2, 2), -7.0))


def test_the_mean_includes_the_padding() -> None:
    Y, _ = AvgPool2d(2, padding=1).forward({}, np.full((1, 1, 2, 2), 8.0), Context())
    np.testing.assert_array_equal(Y, np.full((1, 1, 2, 2), 2.0))


def test_nan_is_not_hidden_by_a_larger_neighbour() -> None:
    X = np.array([[[[np.nan, 1.0], [2.0, 3.0]]]])
    assert np.isnan(MaxPool2d(2).forward({}, X, Context())[0]).all()


@both
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kernel": 6}, "its 6x6 window does not fit into 5x5"),
        ({"kernel": 0}, "kernel must be at least 1, not 0"),
        ({"kernel": 2, "stride": 0}, "stride must be at least 1, not 0"),
        ({"kernel": 2, "padding": -1}, "padding must be at least 0, not -1"),
        ({"kernel": 2, "padding": 2}, "padding must be at most half the window, not 2"),
        ({"kernel": (3, 2), "padding": (2, 1)}, "padding must be at most half the window, not 2"),
    ],
)
def test_settings_out_of_range_are_refused(kind: Pool, settings: dict, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        kind(**settings).init((1, 5, 5), np.random.default_rng(0))


@given(flat)
def test_flat_input_is_refused(shape: tuple[int]) -> None:
    for layer in (MaxPool2d(2), AvgPool2d(2), GlobalAvgPool2d()):
        with pytest.raises(ModelError, match="takes images"):
            layer.init(shape, np.random.default_rng(0))
