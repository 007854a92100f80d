"""The kernels in `kernels.dense` agree with their formulas (partial tiles, shares and chunks)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import (
    TOLERANCE,
    chunked,
    random,
    step_state,
    tiled,
    transposed,
    unset,
)

few = settings(max_examples=15, report_multiple_bugs=False)
# Outputs, inputs, T.
SIZES = [(10, 7, 16), (16, 64, 16), (33, 13, 16), (50, 130, 32), (70, 9, 48)]


@pytest.mark.parametrize("share_width", [5, 1000])
@pytest.mark.parametrize("rows", [3, 8])
@pytest.mark.parametrize(("O", "I", "T"), SIZES)
def test_forward(O: int, I: int, T: int, rows: int, share_width: int) -> None:
    W, b, X = random(0, O, I), random(1, O), random(2, I, LANES)
    for share in range(-(-I // min(share_width, I))):
        Y = unset(O + 1, LANES)
        call_kernel(
            "dense.forward",
            {"ROWS": rows},
            W=tiled(W, T),
            b=b,
            X=X,
            Y=Y,
            share=share,
            share_width=min(share_width, I),
            inputs=I,
            outputs=O,
            T=T,
        )
        own = slice(share * share_width, (share + 1) * share_width)
        np.testing.assert_allclose(Y[:O], b[:, None] + W[:, own] @ X[own], **TOLERANCE)
        assert np.isnan(Y[O]).all()


def test_add_pixel_shares() -> None:
    Y_by_share, b, Y = random(0, 2, 7, LANES), random(1, 5), unset(6, LANES)
    call_kernel(
        "dense.add_pixel_shares",
        Y_by_share=Y_by_share,
        share_stride=7 * LANES,
        b=b,
        Y=Y,
        outputs=5,
    )
    np.testing.assert_allclose(Y[:5], b[:, None] + Y_by_share.sum(axis=0)[:5], **TOLERANCE)
    assert np.isnan(Y[5]).all()


@pytest.mark.parametrize("rows", [3, 8])
@pytest.mark.parametrize(("O", "I", "T"), SIZES)
def test_backward_input(O: int, I: int, T: int, rows: int) -> None:
    W, dX = random(0, O, I), unset(I + 1, LANES)
    dY = np.zeros((-(-O // T) * T, LANES), np.float32)
    dY[:O] = random(1, O, LANES)
    call_kernel(
        "dense.backward_input",
        {"ROWS": rows},
        W=tiled(W, T),
        dY=dY,
        dX=dX,
        inputs=I,
        outputs=O,
        T=T,
    )
    np.testing.assert_allclose(dX[:I], W.T @ dY[:O], **TOLERANCE)
    assert np.isnan(dX[I]).all()


@pytest.mark.parametrize(("O", "T"), [(O, T) for O, _, T in SIZES])
def test_transpose_gradient(O: int, T: int) -> None:
    dY = random(0, LANES, O)
    padded = np.zeros((-(-O // T) * T, LANES), np.float32)
    padded[:O] = dY.T
    R = unset(*transposed(dY, T).shape)
    call_kernel("dense.transpose_gradient", dY=padded, R=R, outputs=O, T=T)
    np.testing.assert_array_equal(R, transposed(dY, T))


@pytest.mark.parametrize("halves", [1, 2])
@pytest.mark.parametrize("N", [5, 16, 50])
@pytest.mark.parametrize(("O", "I", "T"), SIZES)
def test_gradient(O: int, I: int, T: int, N: int, halves: int) -> None:
    X, dY, blocks, tiles = random(0, N, I), random(1, N, O), max(1, I // 64), -(-O // T)
    # Lanes without an image may hold anything in X, if there is only one chunk.
    lanes, R = chunked(X, np.nan if N < LANES else 0.0), transposed(dY, T)
    dW, items = unset(halves, *tiled(np.zeros((O, I)), T).shape), halves * tiles * blocks
    norms = unset(items)
    for item in range(items):
        call_kernel(
            "dense.gradient",
            {"ROWS": 24 // (T // LANES), "COLUMNS": T // LANES},
            X=lanes,
            X_stride=lanes[0].size,
            R=R,
            R_stride=R[0].size,
            dW=dW,
            inputs=I,
            T=T,
            item=item,
            tiles=tiles,
            blocks=blocks,
            halves=halves,
            step_state=step_state(N),
            norms=norms,
        )
    chunks = len(R)
    bounds = [chunks * half // halves * LANES for half in range(halves + 1)]
    for half in range(halves):
        own = slice(bounds[half], min(bounds[half + 1], N))
        expected = tiled(dY[own].T @ X[own], T)
        np.testing.assert_allclose(dW[half], expected, rtol=1e-4, atol=1e-4)
    if halves == 1:
        np.testing.assert_allclose(norms.sum(), (dY.T @ X).__pow__(2).sum(), rtol=1e-4)


@pytest.mark.parametrize(("O", "I", "T"), SIZES)
def test_sgd(O: int, I: int, T: int) -> None:
    W, dW = tiled(random(0, O, I), T), tiled(random(1, O, I), T)
    expected, nonfinite = W - np.float32(0.1) * dW, np.zeros(1, np.int64)
    blocks, tiles = max(1, I // 64), len(W)
    for item in range(blocks * tiles):
        arguments = {"inputs": I, "T": T, "item": item, "tiles": tiles, "blocks": blocks}
        call_kernel(
            "dense.sgd",
            W=W,
            dW=dW,
            step_state=step_state(LR=0.1),
            nonfinite=nonfinite,
            **arguments,
        )
    np.testing.assert_allclose(W, expected, **TOLERANCE)
    assert nonfinite[0] == 0


def test_sgd_flags_weights_that_are_not_finite() -> None:
    W, dW, nonfinite = random(0, 1, 3, 16), random(1, 1, 3, 16), np.zeros(1, np.int64)
    dW[0, 2, 15] = np.inf
    sizes = {"inputs": 3, "T": 16, "item": 0, "tiles": 1, "blocks": 1}
    call_kernel("dense.sgd", W=W, dW=dW, step_state=step_state(LR=1), nonfinite=nonfinite, **sizes)
    assert nonfinite[0] == 1


@pytest.mark.parametrize(("O", "T"), [(O, T) for O, _, T in SIZES])
def test_bias_gradient(O: int, T: int) -> None:
    dY, db = random(0, LANES, O), unset(-(-O // T) * T + 1)
    call_kernel("dense.bias_gradient", R=transposed(dY, T), db=db, outputs=O, T=T)
    np.testing.assert_allclose(db[:O], dY.sum(axis=0), **TOLERANCE)
    assert np.isnan(db[-1])


SOME_SIZES = {"O": st.integers(1, 70), "I": st.integers(1, 40), "T": st.sampled_from([16, 48])}


@few
@given(**SOME_SIZES, rows=st.sampled_from([3, 8]), share_width=st.integers(1, 45))
def test_forward_of_any_size(O: int, I: int, T: int, rows: int, share_width: int) -> None:
    test_forward(O, I, T, rows, share_width)


@few
@given(**SOME_SIZES, rows=st.sampled_from([3, 8]))
def test_backward_input_of_any_size(O: int, I: int, T: int, rows: int) -> None:
    test_backward_input(O, I, T, rows)


@few
@given(**SOME_SIZES, N=st.integers(1, 50), halves=st.sampled_from([1, 2]))
def test_gradient_of_any_size(O: int, I: int, T: int, N: int, halves: int) -> None:
    test_gradient(O, I, T, N, halves)
