"""The kernels in `kernels.augment` agree with the augmentation in NumPy, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from handgrad.data.augment import Augmentation, EpochAugmentation
from handgrad.data.augment.augmentation import grid_for
from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import step_state

EVERYTHING = Augmentation(0.1, 20, 0.2, 0.2, 0.3, 0.05, 0.25, True, 0.4, 0.5, 0.3)
cases = pytest.mark.parametrize(
    ("augmentation", "shape", "N"),
    [
        (EVERYTHING, (1, 28, 28), 21),
        (EVERYTHING, (3, 9, 7), 16),
        (Augmentation(shift=0.2), (2, 5, 11), 5),
        (Augmentation(elastic=0.05, fill=None), (1, 12, 10), 17),
        (Augmentation(stroke=0.5), (1, 1, 1), 3),
    ],
    ids=str,
)


def check(dtype: Any, augmentation: Augmentation, shape: tuple[int, int, int], N: int) -> None:
    rng, start = np.random.default_rng(1), 4
    X = rng.integers(0, 256, (N + 9, *shape)) * (rng.random((N + 9, *shape)) < 0.3)
    X = X.astype(dtype) if dtype is np.uint8 else (X / 255).astype(dtype)
    order, augment = rng.permutation(N + 9), EpochAugmentation(augmentation, 2, 3)
    batch = order[start : start + N]
    expected = augment.apply(X[batch], batch)
    found = augmented_by_kernel(X, order, augment, start, N)
    assert found.tobytes() == expected.tobytes()


def augmented_by_kernel(
    X: NDArray[Any], order: NDArray[np.int64], augment: EpochAugmentation, start: int, N: int
) -> NDArray[Any]:
    """Return the N augmented images that begin at `start` in the order."""
    C, H, W = X.shape[1:]
    tables = grid_for(augment.augmentation, (H, W))
    _, count = tables.half_pixels.shape
    padded = (H + 3) * (W + 3) + LANES
    is_uint8 = X.dtype == np.uint8
    scratch = {
        "rows": np.zeros(max(H * tables.row, LANES), np.float32),
        "displacement": np.zeros(2 * (count + LANES), np.float32),
        "sources": np.zeros(2 * count, np.int32),
        "padded": np.zeros(padded, X.dtype),
        "thickened": np.zeros(padded, X.dtype),
    }
    if is_uint8:
        scratch["neighbors"] = np.zeros(padded, np.int32)
        scratch["neighbors_at"] = np.zeros(count, np.int32)
    augmented = np.zeros((-(-N // LANES), LANES, C, H, W), X.dtype)
    for chunk in range(len(augmented)):
        call_kernel(
            f"augment.warp_{X.dtype.name}",
            images=X,
            order=order,
            samples=augment.sample(order, (H, W)),
            step_state=step_state(N, start),
            chunk=chunk,
            channels=C,
            height=H,
            width=W,
            fill_value=augment.augmentation.fill_value(X.dtype),
            edge=int(augment.augmentation.fill is None),
            control_points=tables.control_points,
            row=tables.row,
            half_pixels=tables.half_pixels,
            down=tables.down,
            across=tables.across,
            indices=np.arange(max(tables.control_points, 1), dtype=np.int32),
            augmented=augmented[chunk],
            **scratch,
        )
    return augmented.reshape(-1, C, H, W)[:N]


@cases
def test_warp_uint8(augmentation: Augmentation, shape: tuple[int, int, int], N: int) -> None:
    check(np.uint8, augmentation, shape, N)


@cases
def test_warp_float32(augmentation: Augmentation, shape: tuple[int, int, int], N: int) -> None:
    check(np.float32, augmentation, shape, N)
