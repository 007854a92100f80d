"""The kernels in `kernels.batch_size_one` agree with their formulas, also for partial tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import (
    TOLERANCE,
    csr,
    random,
    sparse_pixels,
    step_state,
    tiled,
    unset,
)

# Outputs, inputs, vectors in a tile.
SIZES = [(10, 16, 1), (33, 21, 1), (50, 40, 2), (70, 17, 3)]
sizes = pytest.mark.parametrize(("O", "I", "vectors"), SIZES)


def padded(b: NDArray[Any], T: int) -> NDArray[Any]:
    """Return a vector padded with zeros to a whole tile."""
    return np.pad(b, (0, -len(b) % T))


def image_of(I: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return a sparse image and the kernels' arguments that describe it."""
    X = sparse_pixels(0, 1, I)
    indices, data, indptr = (array[0, 0, 0] for array in csr(X, 1, I, LANES))
    blocks = len(indptr) - 1
    return X[0], {"indices": indices, "data": data, "indptr": indptr, "blocks": blocks}


@sizes
def test_forward_csr(O: int, I: int, vectors: int) -> None:
    (X, image), T = image_of(I), vectors * LANES
    W, b = random(1, O, I), random(2, O)
    tiles = tiled(W, T)
    Y = unset(len(tiles) * T + 1)
    for tile in range(len(tiles)):
        call_kernel(
            "batch_size_one.forward_csr",
            {"VECTORS": vectors},
            W=tiles,
            b=padded(b, T),
            inputs=I,
            tile=tile,
            Y=Y,
            **image,
        )
    np.testing.assert_allclose(Y[:O], b + W @ X, rtol=1e-4, atol=1e-4)
    assert np.isnan(Y[-1])


@sizes
@pytest.mark.parametrize("has_shift", [0, 1])
def test_update_csr(O: int, I: int, vectors: int, has_shift: int) -> None:
    (X, image), T = image_of(I), vectors * LANES
    W, dY, shift = random(1, O, I), random(2, O), random(3, I)
    tiles = tiled(W, T)
    for tile in range(len(tiles)):
        call_kernel(
            "batch_size_one.update_csr",
            {"VECTORS": vectors},
            dY=padded(dY, T),
            shift=shift,
            has_shift=has_shift,
            W=tiles,
            inputs=I,
            tile=tile,
            step_state=step_state(1, LR=0.1),
            step=unset(T),
            **image,
        )
    expected = W - 0.1 * np.outer(dY, X + has_shift * shift)
    np.testing.assert_allclose(tiles, tiled(expected, T), **TOLERANCE)


@sizes
def test_forward(O: int, I: int, vectors: int) -> None:
    W, b, X, T = random(1, O, I), random(2, O), random(3, I), vectors * LANES
    tiles = tiled(W, T)
    Y = unset(len(tiles) * T + 1)
    call_kernel(
        "batch_size_one.forward",
        {"VECTORS": vectors},
        W=tiles,
        b=padded(b, T),
        X=X,
        Y=Y,
        inputs=I,
        tiles=len(tiles),
        indices=np.arange(max(I, LANES), dtype=np.int32),
    )
    np.testing.assert_allclose(Y[:O], b + W @ X, rtol=1e-4, atol=1e-4)
    assert np.isnan(Y[-1])


@sizes
def test_backward_input(O: int, I: int, vectors: int) -> None:
    W, dY, T = random(1, O, I), random(2, O), vectors * LANES
    tiles, dX = tiled(W, T), unset(I + 1)
    call_kernel(
        "batch_size_one.backward_input",
        {"VECTORS": vectors},
        W=tiles,
        dY=padded(dY, T),
        dX=dX,
        inputs=I,
        outputs=O,
        tiles=len(tiles),
        indices=np.arange(LANES, dtype=np.int32),
        scratch=unset(LANES, LANES),
    )
    np.testing.assert_allclose(dX[:I], W.T @ dY, rtol=1e-4, atol=1e-4)
    assert np.isnan(dX[-1])


@sizes
def test_gradient(O: int, I: int, vectors: int) -> None:
    X, dY, T = random(1, I), random(2, O), vectors * LANES
    dW, norms = unset(*tiled(np.zeros((O, I)), T).shape), unset(1)
    call_kernel(
        "batch_size_one.gradient",
        {"VECTORS": vectors},
        X=X,
        dY=padded(dY, T),
        dW=dW,
        inputs=I,
        tiles=len(dW),
        norms=norms,
    )
    expected = np.outer(dY, X)
    np.testing.assert_allclose(dW, tiled(expected, T), **TOLERANCE)
    np.testing.assert_allclose(norms[0], (expected**2).sum(), rtol=1e-4)
