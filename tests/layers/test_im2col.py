import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.layers.im2col import kernel_offsets, output_size, pad, pair, unpad

sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))
borders = st.tuples(st.integers(0, 3), st.integers(0, 3))


def test_one_number_means_both() -> None:
    assert pair(3) == (3, 3)
    assert pair((1, 2)) == (1, 2)


@given(sizes, borders, st.integers(0, 1000))
def test_unpad_is_the_adjoint_of_pad(size: tuple[int, int], border: tuple[int, int], seed) -> None:
    """<pad(X), Y> = <X, unpad(Y)>."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2, 3, *size))
    padded = pad(X, border)
    Y = rng.normal(size=padded.shape)
    assert np.vdot(padded, Y) == pytest.approx(np.vdot(X, unpad(Y, border)), rel=1e-12, abs=1e-12)
    np.testing.assert_array_equal(unpad(padded, border), X)


def test_the_padding_has_the_value() -> None:
    padded = pad(np.zeros((1, 1, 1, 2)), (1, 2), value=-np.inf)
    assert padded.shape == (1, 1, 3, 6)
    assert np.isneginf(padded).sum() == 16


def test_each_offset_is_a_view_of_its_pixel_in_all_windows() -> None:
    X = np.arange(30.0).reshape(1, 1, 5, 6)
    kernel, stride = (2, 3), (2, 1)
    size = output_size((1, 5, 6), kernel, stride, (0, 0))
    assert size == (2, 4)
    seen = {(i, j): view for i, j, view in kernel_offsets(X, kernel, stride, size)}
    assert len(seen) == 6
    for (i, j), view in seen.items():
        for r in range(2):
            for q in range(4):
                assert view[0, 0, r, q] == X[0, 0, 2 * r + i, q + j]
                assert np.shares_memory(view, X)
