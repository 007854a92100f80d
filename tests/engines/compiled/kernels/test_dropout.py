"""The kernels in `kernels.dropout` agree with their formulas, with SplitMix64 in Python."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import random, step_state, unset

_GOLDEN, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


def mix(z: int) -> int:
    """Return the output function of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9])
@pytest.mark.parametrize(("features", "chunk"), [(1, 0), (7, 2)])
def test_mask(features: int, chunk: int, p: float) -> None:
    M, key, step, layer = unset(features, LANES), 12345678901234567, 9, 1002
    stream = mix((mix((key ^ step) + _GOLDEN & _MASK) ^ layer) + _GOLDEN & _MASK)
    call_kernel(
        "dropout.mask",
        M=M,
        features=features,
        p=p,
        scale=1 / (1 - p),
        dropout_key=key,
        layer=layer,
        step_state=step_state(TOTAL=step),
        chunk=chunk,
    )
    for f, lane in np.ndindex(features, LANES):
        number = (chunk * LANES + lane) * features + f
        uniform = (mix((stream + (number + 1) * _GOLDEN) & _MASK) >> 40) / 2**24
        expected = np.float32(1 / (1 - p)) if uniform >= np.float32(p) else 0
        assert M[f, lane] == expected


@pytest.mark.parametrize(("features", "area"), [(1, 1), (7, 1), (3, 10)])
def test_apply(features: int, area: int) -> None:
    X, M = random(0, features, area, LANES), random(1, features, LANES)
    expected = X * M[:, None]
    call_kernel("dropout.apply", X=X, M=M, features=features, area=area)
    np.testing.assert_array_equal(X, expected)
