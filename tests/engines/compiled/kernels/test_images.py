"""The kernels in `kernels.images` agree with their formulas (shares, empty lanes, dtypes)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels import step_state as state
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import TOLERANCE, chunked, csr, random, unset
from tests.engines.compiled.kernels.arrays import step_state as step_state_of

# Images in the batch, pixels, pixels of a share.
SIZES = [(5, 20, 20), (16, 50, 32), (37, 35, 16)]
sizes = pytest.mark.parametrize(("N", "pixels", "share_width"), SIZES)
START = 3


def images_of(dtype: Any, count: int, pixels: int) -> NDArray[Any]:
    """Return images, most of whose pixels are zero."""
    rng = np.random.default_rng(0)
    X = rng.integers(1, 256, (count, pixels)) * (rng.random((count, pixels)) < 0.3)
    return X.astype(dtype) if dtype is np.uint8 else (X / 255).astype(dtype)


def step_state(N: int, count: int) -> NDArray[np.int64]:
    """Return the step state of a batch that is followed by another one."""
    words = step_state_of(N, START)
    words[state.NEXT], words[state.END] = START + N, count
    return words


def check_gather(dtype: Any, N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    count = N + 20
    images = images_of(dtype, count, pixels)
    order = np.random.default_rng(1).permutation(count)
    shift, scale = random(2, pixels), random(3, pixels)
    batch = images[order[START : START + N]]
    X = unset(-(-N // LANES), -(-pixels // LANES) * LANES, LANES)
    shares = -(-pixels // share_width)
    width = -(-share_width // LANES) * LANES
    for chunk in range(len(X)):
        for share in range(shares):
            own = np.ascontiguousarray(batch[chunk * LANES : (chunk + 1) * LANES])
            call_kernel(
                f"images.gather_{np.dtype(dtype).name}",
                images=own if in_lane_order else images,
                order=order,
                step_state=step_state(N, count),
                chunk=chunk,
                share=share,
                share_width=share_width,
                pixels=pixels,
                in_lane_order=in_lane_order,
                shift=shift,
                scale=scale,
                rows=unset(LANES, width),
                X=X[chunk],
            )
    expected = chunked(batch.astype(np.float32) * scale + shift)
    np.testing.assert_allclose(X[:, :pixels], expected, **TOLERANCE)


@sizes
@pytest.mark.parametrize("in_lane_order", [0, 1])
def test_gather_uint8(N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    check_gather(np.uint8, N, pixels, share_width, in_lane_order)


@sizes
@pytest.mark.parametrize("in_lane_order", [0, 1])
def test_gather_float32(N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    check_gather(np.float32, N, pixels, share_width, in_lane_order)


def check_to_csr(dtype: Any, N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    count, block = N + 20, 16
    images = images_of(dtype, count, pixels)
    order = np.random.default_rng(1).permutation(count)
    scale = np.abs(random(3, pixels)) + np.float32(0.1)
    batch = images[order[START : START + N]]
    shares, blocks = -(-pixels // share_width), -(-share_width // block)
    expected = csr(batch.astype(np.float32) * scale, shares, share_width, block)
    for share, chunk in np.ndindex(expected[0].shape[:2]):
        indices = np.full((LANES, share_width + LANES), -1, np.int32)
        data = unset(LANES, share_width + LANES)
        indptr = np.full((LANES, blocks + 1), -1)
        own = np.ascontiguousarray(batch[chunk * LANES : (chunk + 1) * LANES])
        call_kernel(
            f"images.to_csr_{np.dtype(dtype).name}",
            images=own if in_lane_order else images,
            order=order,
            step_state=step_state(N, count),
            chunk=chunk,
            share=share,
            share_width=share_width,
            pixels=pixels,
            in_lane_order=in_lane_order,
            blocks=blocks,
            block=block,
            scale=scale,
            indices=indices,
            data=data,
            indptr=indptr,
        )
        np.testing.assert_array_equal(indptr, expected[2][share, chunk])
        for lane in range(LANES):
            entries = indptr[lane, -1]
            wanted = [array[share, chunk, lane, :entries] for array in expected[:2]]
            np.testing.assert_array_equal(indices[lane, :entries], wanted[0])
            np.testing.assert_allclose(data[lane, :entries], wanted[1], **TOLERANCE)


@sizes
@pytest.mark.parametrize("in_lane_order", [0, 1])
def test_to_csr_uint8(N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    check_to_csr(np.uint8, N, pixels, share_width, in_lane_order)


@sizes
@pytest.mark.parametrize("in_lane_order", [0, 1])
def test_to_csr_float32(N: int, pixels: int, share_width: int, in_lane_order: int) -> None:
    check_to_csr(np.float32, N, pixels, share_width, in_lane_order)
