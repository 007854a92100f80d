import numpy as np
import pytest

from conformance.cases.losses import cross_entropy
from conformance.cases.result import NotApplicableError

Z = np.random.default_rng(0).normal(size=(4, 3))
y = np.array([0, 2, 1, 2])
W = np.array([0.5, 2.0, 1.0])


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("ignored", [None, 2])
def test_mean_sum_and_each_belong_together(weights, ignored):
    one = np.ones(())
    each, d_each = cross_entropy(Z, y, weights, "none", ignored, np.ones(4))
    total, d_total = cross_entropy(Z, y, weights, "sum", ignored, one)
    mean, d_mean = cross_entropy(Z, y, weights, "mean", ignored, one)
    counted = (np.ones(3) if weights is None else weights)[y] * (y != ignored)
    assert np.allclose(total, each.sum())
    assert np.allclose(mean, each.sum() / counted.sum())
    assert np.allclose(d_total, d_each)
    assert np.allclose(d_mean, d_each / counted.sum())


def test_an_ignored_class_need_not_be_one():
    high = np.where(y == 0, 10, y)
    assert cross_entropy(Z, high, None, "sum", 10, np.ones(())).value == pytest.approx(
        cross_entropy(Z, y, None, "sum", 0, np.ones(())).value
    )


def test_a_negative_class_weight_does_not_apply():
    with pytest.raises(NotApplicableError, match="a class weight is negative"):
        cross_entropy(Z, y, -W, "mean", None, np.ones(()))
