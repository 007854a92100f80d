import numpy as np
import pytest

from handgrad.explain.format import number, shape, words


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1.0, -0.00012345]), "1, −0.0001234"),
        (np.zeros((4, 4)), "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"),
        (np.ones((1, 17)), "all 1"),
        (
            np.r_[np.zeros(15), -3.0, 2.0].reshape(1, 17),
            "min −3, mean −0.05882, max 2; 88% zero; farthest from 0: [0,15] −3, [0,16] 2, [0,0] 0",
        ),
        (np.zeros((0, 3)), ""),
    ],
)
def test_small_arrays_are_shown_completely_and_large_ones_abbreviated(array, said):
    assert words(array) == said


def test_shapes_and_numbers():
    assert shape(np.zeros((1, 2, 3))) == "1x2x3"
    assert shape(np.zeros(())) == "one number"
    assert number(-1234567.0) == "−1.235e+06"
    assert number(float("nan")) == "nan"
