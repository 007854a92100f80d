"""The kernels in `kernels.conv` agree with their formulas (strides, padding, partial tiles)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import random, unset

few = settings(max_examples=15, report_multiple_bugs=False)


class Conv(NamedTuple):
    """The channels, outputs, image size, kernel size, stride and padding of a convolution."""

    C: int
    O: int
    H: int
    W: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    @property
    def output(self) -> tuple[int, int]:
        sizes = zip((self.H, self.W), self.padding, self.kernel, self.stride, strict=True)
        rows, columns = ((size + 2 * p - k) // s + 1 for size, p, k, s in sizes)
        return rows, columns

    def padded(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return images (C, H, W, lanes) with their padding."""
        top, left = self.padding
        return np.pad(X, ((0, 0), (top, top), (left, left), (0, 0)))

    def window(self, i: int, j: int) -> tuple[slice, slice, slice]:
        """Return the padded pixels by which the kernel element (i, j) is multiplied."""
        rows, columns = self.output
        down, across = self.stride
        return (
            slice(None),
            slice(i, i + (rows - 1) * down + 1, down),
            slice(j, j + (columns - 1) * across + 1, across),
        )

    @property
    def geometry(self) -> dict[str, int]:
        width = self.W + 2 * self.padding[1]
        rows, columns = self.output
        return {
            **{"channels": self.C, "outputs": self.O, "rows": rows, "columns": columns},
            "plane": (self.H + 2 * self.padding[0]) * width * LANES,
            "row_stride": self.stride[0] * width * LANES,
            "column_stride": self.stride[1] * LANES,
        }


CONVS = [
    Conv(1, 1, 3, 3, (3, 3)),
    Conv(3, 8, 6, 7, (3, 2)),
    Conv(2, 11, 5, 8, (3, 3), (1, 1), (1, 1)),
    Conv(4, 5, 7, 6, (2, 3), (2, 3), (0, 2)),
]
TILES = [{"ROWS": 1, "COLUMNS": 1}, {"ROWS": 3, "COLUMNS": 2}, {"ROWS": 8, "COLUMNS": 3}]


@pytest.mark.parametrize("conv", CONVS)
def test_pack_forward(conv: Conv) -> None:
    W = random(0, conv.O, conv.C, *conv.kernel)
    P = unset(conv.C, *conv.kernel, conv.O)
    area = int(np.prod(conv.kernel))
    for k in range(conv.C):
        sizes = {"channels": conv.C, "outputs": conv.O, "kernel_area": area, "k": k}
        call_kernel("conv.pack_forward", W=W, P=P, **sizes)
    np.testing.assert_array_equal(P, W.transpose(1, 2, 3, 0))


@pytest.mark.parametrize("conv", CONVS)
def test_pack_backward(conv: Conv) -> None:
    W = random(0, conv.O, conv.C, *conv.kernel)
    P = unset(conv.O, *conv.kernel, conv.C)
    area = int(np.prod(conv.kernel))
    for o in range(conv.O):
        sizes = {"channels": conv.C, "outputs": conv.O, "kernel_area": area, "o": o}
        call_kernel("conv.pack_backward", W=W, P=P, **sizes)
    np.testing.assert_array_equal(P, W.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("conv", CONVS)
def test_forward(conv: Conv, tile: dict[str, int]) -> None:
    W, b = random(0, conv.O, conv.C, *conv.kernel), random(1, conv.O)
    X = conv.padded(random(2, conv.C, conv.H, conv.W, LANES))
    Y = unset(conv.O + 1, *conv.output, LANES)
    call_kernel(
        "conv.forward",
        tile,
        P=np.ascontiguousarray(W.transpose(1, 2, 3, 0)),
        b=b,
        X=X,
        Y=Y,
        row=X.shape[2] * LANES,
        kernel_height=conv.kernel[0],
        kernel_width=conv.kernel[1],
        **conv.geometry,
    )
    expected = np.zeros(Y[:-1].shape) + b[:, None, None, None]
    for i, j in np.ndindex(conv.kernel):
        expected += np.einsum("ok,krcn->orcn", W[:, :, i, j], X[conv.window(i, j)])
    np.testing.assert_allclose(Y[:-1], expected, rtol=1e-4, atol=1e-4)
    assert np.isnan(Y[-1]).all()


@pytest.mark.parametrize("tile", [{"ROWS": 1, "COLUMNS": 1}, {"ROWS": 4, "COLUMNS": 3}])
@pytest.mark.parametrize("conv", CONVS)
def test_gradient(conv: Conv, tile: dict[str, int]) -> None:
    X = conv.padded(random(0, conv.C, conv.H, conv.W, LANES))
    dY, dW = random(1, conv.O, *conv.output, LANES), unset(conv.O + 1, conv.C, *conv.kernel)
    i, j = np.indices(conv.kernel)
    call_kernel(
        "conv.gradient",
        tile,
        X=X,
        dY=dY,
        dW=dW,
        kernel_area=int(np.prod(conv.kernel)),
        offsets=(i * X.shape[2] * LANES + j * LANES).reshape(-1).astype(np.int64),
        **conv.geometry,
    )
    for i, j in np.ndindex(conv.kernel):
        expected = np.einsum("orcn,krcn->ok", dY, X[conv.window(i, j)])
        np.testing.assert_allclose(dW[:-1, :, i, j], expected, rtol=1e-4, atol=1e-3)
    assert np.isnan(dW[-1]).all()


def test_bias_gradient() -> None:
    dY, db = random(0, 5, 37 * LANES), unset(6)
    call_kernel("conv.bias_gradient", dY=dY, db=db, outputs=5, count=37 * LANES)
    np.testing.assert_allclose(db[:5], dY.sum(axis=1), rtol=1e-4, atol=1e-4)
    assert np.isnan(db[5])


def dilated(conv: Conv, dY: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Return dY with zeros between and around its pixels, and the position of its corner."""
    (kh, kw), (down, across), (top, left) = conv.kernel, conv.stride, conv.padding
    height, width = conv.H + 2 * top + kh - 1, conv.W + 2 * left + kw - 1
    D = np.zeros((conv.O, height, width, LANES), np.float32)
    rows, columns = conv.output
    D[:, kh - 1 :: down, kw - 1 :: across][:, :rows, :columns] = dY
    return D, ((kh - 1) * width + kw - 1) * LANES


@pytest.mark.parametrize("conv", CONVS)
def test_pad(conv: Conv) -> None:
    X = random(0, conv.O, *conv.output, LANES)
    expected, corner = dilated(conv, X)
    D = np.zeros(expected.shape, np.float32)
    call_kernel(
        "conv.pad",
        X=X,
        D=D,
        channels=conv.O,
        height=conv.output[0],
        width=conv.output[1],
        plane=D[0].size,
        row_stride=conv.stride[0] * D.shape[2] * LANES,
        column_stride=conv.stride[1] * LANES,
        corner=corner,
    )
    np.testing.assert_array_equal(D, expected)


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("conv", CONVS)
def test_backward_input(conv: Conv, tile: dict[str, int]) -> None:
    W, dY = random(0, conv.O, conv.C, *conv.kernel), random(1, conv.O, *conv.output, LANES)
    (kh, kw), (down, across), (top, left) = conv.kernel, conv.stride, conv.padding
    D, corner = dilated(conv, dY)
    dX = unset(conv.C + 1, conv.H, conv.W, LANES)
    rows, columns = conv.output
    call_kernel(
        "conv.backward_input",
        tile,
        P=np.ascontiguousarray(W.transpose(0, 2, 3, 1)),
        D=D,
        dX=dX,
        channels=conv.C,
        height=conv.H,
        width=conv.W,
        plane=D[0].size,
        row=D.shape[2] * LANES,
        corner=corner + (top * D.shape[2] + left) * LANES,
        outputs=conv.O,
        kernel_height=kh,
        kernel_width=kw,
        top=top,
        left=left,
        last_row=down * (rows - 1),
        last_column=across * (columns - 1),
    )
    padded = np.zeros((conv.C, conv.H + 2 * top, conv.W + 2 * left, LANES))
    for i, j in np.ndindex(conv.kernel):
        padded[conv.window(i, j)] += np.einsum("ok,orcn->krcn", W[:, :, i, j], dY)
    expected = padded[:, top : top + conv.H, left : left + conv.W]
    np.testing.assert_allclose(dX[:-1], expected, rtol=1e-4, atol=1e-4)
    assert np.isnan(dX[-1]).all()


@st.composite
def convs(draw: st.DrawFn) -> Conv:
    """Draw the shapes of a convolution whose kernel fits into the padded image."""
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1))
    height, width = (draw(st.integers(size, 8)) for size in kernel)
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    channels, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    return Conv(channels, outputs, height, width, kernel, stride, padding)


@few
@given(convs())
def test_forward_of_any_shape(conv: Conv) -> None:
    test_forward(conv, TILES[1])


@few
@given(convs())
def test_backward_input_of_any_shape(conv: Conv) -> None:
    test_backward_input(conv, TILES[1])


@few
@given(convs())
def test_gradient_of_any_shape(conv: Conv) -> None:
    test_gradient(conv, {"ROWS": 4, "COLUMNS": 3})
