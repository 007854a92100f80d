"""The kernels in `kernels.step` agree with their formulas and stop a run correctly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels import step_state as state
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import chunked, random, step_state, unset


@pytest.mark.parametrize("weighted", [0, 1])
@pytest.mark.parametrize(("step", "count"), [(0, 20), (1, 20), (2, 7)])
def test_begin(step: int, count: int, weighted: int) -> None:
    rng = np.random.default_rng(0)
    order, labels = rng.permutation(47), rng.integers(0, 3, 47)
    weights, class_weights = random(0, 47), random(1, 3)
    words, nonfinite = step_state(), np.array([int(step == 1)])
    words[state.STEP], words[state.TOTAL] = step - 1, 10
    call_kernel(
        "step.begin",
        step_state=words,
        total=47,
        size=20,
        lrs=np.array([0.5, 0.25, 0.125]).view(np.int64),
        order=order,
        labels=labels,
        weights=weights,
        weighted=weighted,
        class_weights=class_weights,
        beta1=0.9,
        beta2=0.99,
        nonfinite=nonfinite,
    )
    doubles, batch = words.view(np.float64), order[20 * step : 20 * step + count]
    assert words[state.STEP] == step
    assert words[state.TOTAL] == 11
    assert words[state.STOP] == 2 * nonfinite[0]
    assert (words[state.START], words[state.COUNT]) == (20 * step, count)
    assert (words[state.NEXT], words[state.END]) == (20 * step + 20, 47)
    assert words[state.CHUNKS] == -(-count // LANES)
    assert doubles[state.LR] == 0.5 / 2**step
    assert doubles[state.CLIP] == 1
    np.testing.assert_allclose(doubles[state.CORRECTION_1], 1 - 0.9**12)
    np.testing.assert_allclose(doubles[state.CORRECTION_2], 1 - 0.99**12)
    weight = (weights * class_weights[labels])[batch].sum() if weighted else count
    np.testing.assert_allclose(doubles[state.WEIGHT], weight, rtol=1e-5)


def test_begin_with_weights_that_are_all_zero() -> None:
    words = step_state()
    words[state.STEP] = -1
    call_kernel(
        "step.begin",
        step_state=words,
        total=5,
        size=5,
        lrs=np.array([0.5]).view(np.int64),
        order=np.arange(5),
        labels=np.zeros(5, np.int64),
        weights=np.zeros(5, np.float32),
        weighted=1,
        class_weights=random(0, 1),
        beta1=0.9,
        beta2=0.99,
        nonfinite=np.zeros(1, np.int64),
    )
    assert words.view(np.float64)[state.WEIGHT] == 1


def check(
    norms: NDArray[Any], losses: NDArray[Any], worker: int = 0, max_norm: float = 0.5
) -> tuple[Any, Any, Any]:
    """Return the step state, the recorded losses and the recorded counts after a check."""
    words, all_losses, all_correct = step_state(2 * LANES), np.zeros(3), np.zeros(3, np.int64)
    words[state.STEP] = 1
    call_kernel(
        "step.check_finite",
        norms=norms,
        count=len(norms),
        losses=losses,
        correct=np.array([4, 5]),
        step_state=words,
        worker=worker,
        max_norm=max_norm,
        all_losses=all_losses.view(np.int64),
        all_correct=all_correct,
    )
    return words, all_losses, all_correct


def test_check_finite() -> None:
    norms = np.array([9, 0, 16], np.float32)
    losses = np.array([0.25, 0.5], np.float32)
    words, all_losses, all_correct = check(norms, losses)
    assert words[state.STOP] == 0
    assert all_losses.tolist() == [0, 0.75, 0]
    assert all_correct.tolist() == [0, 9, 0]
    assert words.view(np.float64)[state.CLIP] == 0.1  # ‖g‖ = 5
    words, *_ = check(np.full(1, 0.01, np.float32), losses)
    assert words.view(np.float64)[state.CLIP] == 1
    words, all_losses, _ = check(norms, losses, worker=1)
    assert words.view(np.float64)[state.CLIP] == 0.1
    assert not all_losses.any()  # worker 0 records them


def test_check_finite_without_a_largest_norm() -> None:
    words, *_ = check(np.array([9, 16], np.float32), np.ones(2, np.float32), max_norm=0)
    assert words.view(np.float64)[state.CLIP] == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_check_finite_stops_if_a_gradient_or_the_loss_is_not_finite(bad: float) -> None:
    good = np.ones(2, np.float32)
    for norms, losses in ((np.array([1, bad], np.float32), good), (good, np.float32([bad, 1]))):
        words, all_losses, _ = check(norms, losses)
        assert words[state.STOP] == 1
        assert not all_losses.any()


@pytest.mark.parametrize("size", [1, 16, 50])
def test_squared_norm(size: int) -> None:
    R, norms = random(0, size), unset(3)
    state_ = step_state(3 * LANES, LR=0.5)
    call_kernel("step.squared_norm", R=R, size=size, step_state=state_, chunk=1, norms=norms)
    np.testing.assert_allclose(norms[1], (1 + 0.5**2) * (R**2).sum(), rtol=1e-5)
    assert np.isnan(norms[[0, 2]]).all()


@pytest.mark.parametrize(("N", "K"), [(1, 2), (16, 10), (37, 3)])
def test_write_logits(N: int, K: int) -> None:
    Z, logits = random(0, N, K), unset(N + 7, K)
    for chunk, own in enumerate(chunked(Z)):
        call_kernel(
            "step.write_logits",
            Z=own,
            classes=K,
            step_state=step_state(N, start=5),
            chunk=chunk,
            logits=logits,
        )
    np.testing.assert_array_equal(logits[5 : 5 + N], Z)
    assert np.isnan(np.delete(logits, np.arange(5, 5 + N), axis=0)).all()
