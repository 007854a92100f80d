"""The kernels in `kernels.chain` agree with their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.engines.compiled.jit.direct_call import call_kernel
from tests.engines.compiled.kernels.arrays import random, unset

COUNTS = [1, 15, 16, 33, 100]


@pytest.mark.parametrize("count", COUNTS)
def test_add(count: int) -> None:
    A, B, Y = random(0, count + 1), random(1, count + 1), unset(count + 1)
    call_kernel("chain.add", A=A, B=B, Y=Y, count=count)
    np.testing.assert_array_equal(Y[:count], A[:count] + B[:count])
    assert np.isnan(Y[count])


@pytest.mark.parametrize("count", COUNTS)
def test_copy(count: int) -> None:
    X, Y = random(0, count + 1), unset(count + 1)
    call_kernel("chain.copy", X=X, Y=Y, count=count)
    np.testing.assert_array_equal(Y[:count], X[:count])
    assert np.isnan(Y[count])
