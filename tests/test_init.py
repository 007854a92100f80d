import math

import numpy as np
import pytest

from handgrad.init import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    Normal,
    Uniform,
    Zeros,
    fans,
)
from handgrad.layers import Shape

# For weights (200, 30, 3, 2): fan-in 180, fan-out 1200.
SHAPE = (200, 30, 3, 2)


def test_fans() -> None:
    assert fans((30, 784)) == (784, 30)
    assert fans(SHAPE) == (180, 1200)


@pytest.mark.parametrize(
    ("initializer", "std"),
    [
        (HeNormal(), math.sqrt(2 / 180)),
        (HeUniform(), math.sqrt(2 / 180)),
        (GlorotNormal(), math.sqrt(2 / 1380)),
        (GlorotUniform(), math.sqrt(2 / 1380)),
        (Normal(), 1.0),
        (Normal(0.01), 0.01),
        (Uniform(0.5), 0.5 / math.sqrt(3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_mean_and_standard_deviation(initializer: Initializer, std: float) -> None:
    W = initializer.sample(SHAPE, np.random.default_rng(0))
    assert W.shape == SHAPE
    assert W.mean() == pytest.approx(0, abs=std / 50)
    assert W.std() == pytest.approx(std, rel=0.01)


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        (HeUniform(), math.sqrt(6 / 180)),
        (GlorotUniform(), math.sqrt(6 / 1380)),
        (Uniform(0.5), 0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_uniform_weights_fill_their_range(initializer: Initializer, limit: float) -> None:
    W = initializer.sample(SHAPE, np.random.default_rng(0))
    assert abs(W).max() <= limit
    assert abs(W).max() > 0.999 * limit


@pytest.mark.parametrize("shape", [(3, 4), SHAPE])
def test_zeros(shape: Shape) -> None:
    W = Zeros().sample(shape, np.random.default_rng(0))
    assert W.shape == shape
    assert not W.any()
