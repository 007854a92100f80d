import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.layers import Array, Context, Dropout, Dropout2d, Layer, Shape
from tests.gradient_checks import batches, flat, images, prove, seeds

both = pytest.mark.parametrize("kind", [Dropout, Dropout2d])


def mask(layer: Layer, ctx: Context, shape: Shape = (40, 30, 5, 4)) -> Array:
    return layer.forward({}, np.ones(shape), ctx)[0]


@settings(max_examples=30)
@given(st.floats(0, 0.9), flat | images, batches, st.booleans(), seeds)
def test_gradients_of_any_size(
    p: float, shape: Shape, batch: int, training: bool, seed: int
) -> None:
    prove(Dropout(p), shape, batch, training, seed)
    if len(shape) == 3:
        prove(Dropout2d(p), shape, batch, training, seed)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_share_p_is_dropped_and_the_mean_is_kept(p: float) -> None:
    M = mask(Dropout(p), Context(training=True))
    assert (M == 0).mean() == pytest.approx(p, abs=0.02)
    assert M.mean() == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(M[M > 0], 1 / (1 - p), rtol=1e-15)


def test_whole_channels_are_dropped() -> None:
    M = mask(Dropout2d(0.5), Context(training=True))
    assert (M[:, :, :1, :1] == M).all()
    assert (M[:, :, 0, 0] == 0).mean() == pytest.approx(0.5, abs=0.06)


@both
def test_at_inference_nothing_is_dropped(kind: type) -> None:
    assert (mask(kind(0.9), Context(training=False)) == 1).all()


@both
def test_the_mask_is_a_function_of_seed_step_and_layer(kind: type) -> None:
    ctx = Context(training=True, seed=1, step=2, layer=3)
    first = mask(kind(0.5), ctx)
    np.testing.assert_array_equal(first, mask(kind(0.5), ctx))
    for other in (ctx._replace(seed=2), ctx._replace(step=3), ctx._replace(layer=4)):
        assert (first != mask(kind(0.5), other)).any()


@both
def test_the_mask_is_the_same_in_float32_and_float64(kind: type) -> None:
    ctx, X = Context(training=True), np.ones((5, 4, 3, 2))
    in64 = kind(0.5).forward({}, X, ctx)[0]
    in32 = kind(0.5).forward({}, X.astype(np.float32), ctx)[0]
    assert in32.dtype == np.float32
    np.testing.assert_array_equal(in32, in64)


@both
@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_probabilities_out_of_range_are_refused(kind: type, p: float) -> None:
    with pytest.raises(ModelError, match=f"p must be at least 0 and below 1, not {p}"):
        kind(p).init((1, 2, 2), np.random.default_rng(0))


def test_channels_need_images() -> None:
    with pytest.raises(ModelError, match="use Dropout for flat input"):
        Dropout2d(0.5).init((7,), np.random.default_rng(0))
