import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from handgrad.preprocess.background import SubtractBackground, _eroded
from handgrad.preprocess.pixels import percentile

IMAGES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(X=IMAGES, percent=st.integers(0, 100))
def test_the_percentile_is_the_smallest_value_that_enough_pixels_do_not_exceed(X, percent):
    enough = (v for v in range(256) if 100 * int((v >= X).sum()) >= percent * X.size)
    assert percentile(X, percent) == next(enough)


@given(X=IMAGES, side=st.integers(1, 20))
def test_the_background_is_the_opening_of_the_image(X, side):
    X[:side] = 0
    opened = 255 - _eroded(255 - _eroded(X))
    if not opened.any():
        assert not SubtractBackground._background(X[:, :, None]).any()
