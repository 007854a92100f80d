"""The kernels in `kernels.pool` agree with their formulas (overlap, padding, remainders)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import TOLERANCE, random, unset

few = settings(max_examples=15, report_multiple_bugs=False)


class Pool(NamedTuple):
    """The channels, image size, kernel size, stride and padding of a pooling layer."""

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    @property
    def output(self) -> tuple[int, int]:
        rows, columns = (
            (size + 2 * p - k) // s + 1
            for size, p, k, s in zip(
                (self.height, self.width), self.padding, self.kernel, self.stride, strict=True
            )
        )
        return rows, columns

    @property
    def sizes(self) -> dict[str, int]:
        rows, columns = self.output
        return {
            **{"channels": self.channels, "height": self.height, "width": self.width},
            **{"rows": rows, "columns": columns},
            **{"kernel_height": self.kernel[0], "kernel_width": self.kernel[1]},
            **{"stride_down": self.stride[0], "stride_across": self.stride[1]},
            **{"top": self.padding[0], "left": self.padding[1]},
        }

    def windows(self) -> Any:
        """Yield (k, r, c, [(number in the kernel, h, w), ...]) for each output."""
        for k in range(self.channels):
            for r, c in np.ndindex(self.output):
                places = []
                for i, j in np.ndindex(self.kernel):
                    h = r * self.stride[0] + i - self.padding[0]
                    w = c * self.stride[1] + j - self.padding[1]
                    if 0 <= h < self.height and 0 <= w < self.width:
                        places.append((i * self.kernel[1] + j, h, w))
                yield k, r, c, places


POOLS = [
    Pool(1, 4, 6, (2, 2), (2, 2)),
    Pool(3, 7, 5, (3, 2), (2, 1)),
    Pool(2, 5, 5, (3, 3), (2, 2), (1, 1)),
    Pool(2, 4, 3, (2, 3), (3, 2), (1, 0)),
]


def expected_maximum(pool: Pool, X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the maximum of each window and the number of its first element with that value."""
    Y = np.zeros((pool.channels, *pool.output, LANES), np.float32)
    argmax = np.zeros(Y.shape, np.int32)
    for k, r, c, places in pool.windows():
        window = np.array([X[k, h, w] for _, h, w in places])
        Y[k, r, c] = window.max(axis=0)
        argmax[k, r, c] = np.array([number for number, _, _ in places])[window.argmax(axis=0)]
    return Y, argmax


def rounded(seed: int, pool: Pool) -> NDArray[np.float32]:
    """Return images with many equal pixels."""
    return np.round(random(seed, pool.channels, pool.height, pool.width, LANES))


@pytest.mark.parametrize("pool", POOLS)
def test_max_forward(pool: Pool) -> None:
    X, Y = rounded(0, pool), unset(pool.channels, *pool.output, LANES)
    argmax = np.full(Y.shape, -1, np.int32)
    call_kernel("pool.max_forward", X=X, Y=Y, argmax=argmax, **pool.sizes)
    expected = expected_maximum(pool, X)
    np.testing.assert_array_equal(Y, expected[0])
    np.testing.assert_array_equal(argmax, expected[1])


def test_max_forward_propagates_nan() -> None:
    pool = POOLS[0]
    X, Y = rounded(0, pool), unset(pool.channels, *pool.output, LANES)
    X[0, 1, 1, 3] = np.nan
    call_kernel("pool.max_forward", X=X, Y=Y, argmax=np.zeros(Y.shape, np.int32), **pool.sizes)
    assert np.argwhere(np.isnan(Y)).tolist() == [[0, 0, 0, 3]]


def expected_max_backward(pool: Pool, argmax: NDArray[Any], dY: NDArray[Any]) -> NDArray[Any]:
    dX = np.zeros((pool.channels, pool.height, pool.width, LANES), np.float32)
    for k, r, c, places in pool.windows():
        for number, h, w in places:
            dX[k, h, w] += np.where(argmax[k, r, c] == number, dY[k, r, c], 0)
    return dX


@pytest.mark.parametrize("pool", POOLS)
def test_max_backward(pool: Pool) -> None:
    X, dY = rounded(0, pool), random(1, pool.channels, *pool.output, LANES)
    argmax, dX = expected_maximum(pool, X)[1], unset(*X.shape)
    call_kernel("pool.max_backward", argmax=argmax, dY=dY, dX=dX, **pool.sizes)
    np.testing.assert_allclose(dX, expected_max_backward(pool, argmax, dY), **TOLERANCE)


@pytest.mark.parametrize("pool", [POOLS[0], Pool(3, 6, 4, (3, 2), (3, 2))])
def test_max_backward_disjoint(pool: Pool) -> None:
    X, dY = rounded(0, pool), random(1, pool.channels, *pool.output, LANES)
    argmax, dX = expected_maximum(pool, X)[1], unset(*X.shape)
    names = ("channels", "rows", "columns", "kernel_height", "kernel_width")
    sizes = {name: pool.sizes[name] for name in names}
    call_kernel("pool.max_backward_disjoint", argmax=argmax, dY=dY, dX=dX, **sizes)
    np.testing.assert_array_equal(dX, expected_max_backward(pool, argmax, dY))


@pytest.mark.parametrize("pool", POOLS)
def test_avg_forward(pool: Pool) -> None:
    X, Y = rounded(0, pool), unset(pool.channels, *pool.output, LANES)
    call_kernel("pool.avg_forward", X=X, Y=Y, **pool.sizes)
    for k, r, c, places in pool.windows():
        total = sum((X[k, h, w] for _, h, w in places), np.zeros(LANES))
        np.testing.assert_allclose(Y[k, r, c], total / np.prod(pool.kernel), **TOLERANCE)


@pytest.mark.parametrize("pool", POOLS)
def test_avg_backward(pool: Pool) -> None:
    dY, dX = (
        random(1, pool.channels, *pool.output, LANES),
        unset(pool.channels, pool.height, pool.width, LANES),
    )
    call_kernel("pool.avg_backward", dY=dY, dX=dX, **pool.sizes)
    expected = np.zeros(dX.shape)
    for k, r, c, places in pool.windows():
        for _, h, w in places:
            expected[k, h, w] += dY[k, r, c] / np.prod(pool.kernel)
    np.testing.assert_allclose(dX, expected, **TOLERANCE)


@pytest.mark.parametrize(("channels", "area"), [(1, 1), (3, 49), (16, 7)])
def test_global_avg_forward(channels: int, area: int) -> None:
    X, Y = random(0, channels, area, LANES), unset(channels, LANES)
    call_kernel("pool.global_avg_forward", X=X, Y=Y, channels=channels, area=area)
    np.testing.assert_allclose(Y, X.mean(axis=1), **TOLERANCE)


@pytest.mark.parametrize(("channels", "area"), [(1, 1), (3, 49), (16, 7)])
def test_global_avg_backward(channels: int, area: int) -> None:
    dY, dX = random(0, channels, LANES), unset(channels, area, LANES)
    call_kernel("pool.global_avg_backward", dY=dY, dX=dX, channels=channels, area=area)
    expected = np.broadcast_to(dY[:, None] / area, dX.shape)
    np.testing.assert_allclose(dX, expected, **TOLERANCE)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Draw the shapes of a pooling layer, padded by at most half a window."""
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2))
    height, width = (draw(st.integers(size, 8)) for size in kernel)
    stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Pool(draw(st.integers(1, 3)), height, width, kernel, stride, padding)


@few
@given(pools())
def test_max_pooling_of_any_shape(pool: Pool) -> None:
    test_max_forward(pool)
    test_max_backward(pool)


@few
@given(pools())
def test_average_pooling_of_any_shape(pool: Pool) -> None:
    test_avg_forward(pool)
    test_avg_backward(pool)
