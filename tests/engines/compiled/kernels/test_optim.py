"""The kernels in `kernels.optim` agree with their formulas for whole and partial vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import TOLERANCE, random, step_state, unset

COUNTS = [1, 16, 33, 100]
counts = pytest.mark.parametrize("count", COUNTS)


def call(kernel: str, **arguments: Any) -> None:
    """Call an optimizer's kernel, and check that it reports only finite numbers."""
    nonfinite = np.zeros(1, np.int64)
    call_kernel(kernel, nonfinite=nonfinite, **arguments)
    assert nonfinite[0] == 0


def arrays(count: int, number: int) -> list[NDArray[np.float32]]:
    """Return W, dW and the optimizer's state."""
    return [random(seed, count) for seed in range(number)]


@counts
@pytest.mark.parametrize("chunks", [1, 3])
def test_add_chunks(count: int, chunks: int) -> None:
    parts, dW, norms = random(0, chunks, count + 5), unset(count), unset(4)
    call_kernel(
        "optim.add_chunks",
        parts=parts,
        part_stride=count + 5,
        dW=dW,
        count=count,
        step_state=step_state(chunks * LANES - 3),
        item=2,
        norms=norms,
    )
    expected = parts[:, :count].sum(axis=0)
    np.testing.assert_allclose(dW, expected, **TOLERANCE)
    np.testing.assert_allclose(norms[2], (expected**2).sum(), rtol=1e-4)


@counts
def test_add_halves(count: int) -> None:
    halves, dW, norms = random(0, 2, count + 5), unset(count), unset(4)
    call_kernel(
        "optim.add_halves",
        halves=halves,
        size=count + 5,
        dW=dW,
        count=count,
        norms=norms,
        item=1,
    )
    expected = halves[:, :count].sum(axis=0)
    np.testing.assert_allclose(dW, expected, **TOLERANCE)
    np.testing.assert_allclose(norms[1], (expected**2).sum(), rtol=1e-4)


@counts
def test_sgd_by_halves(count: int) -> None:
    W, halves = random(0, count), random(1, 2, count + 5)
    expected = W - 0.1 * halves[:, :count].sum(axis=0)
    state = step_state(LR=0.1)
    sizes = {"size": count + 5, "count": count}
    call("optim.sgd_by_halves", W=W, halves=halves, step_state=state, **sizes)
    np.testing.assert_allclose(W, expected, **TOLERANCE)


@counts
@pytest.mark.parametrize("chunks", [1, 3])
def test_sgd_by_chunks(count: int, chunks: int) -> None:
    W, dW, parts = random(0, count), unset(count), random(1, chunks, count + 5)
    gradient = parts[:, :count].sum(axis=0)
    expected = W - 0.1 * gradient
    call(
        "optim.sgd_by_chunks",
        W=W,
        parts=parts,
        part_stride=count + 5,
        dW=dW,
        count=count,
        step_state=step_state(chunks * LANES, LR=0.1),
    )
    np.testing.assert_allclose(dW, gradient, **TOLERANCE)
    np.testing.assert_allclose(W, expected, **TOLERANCE)


@counts
def test_sgd(count: int) -> None:
    W, dW = arrays(count, 2)
    expected = W - 0.1 * (0.5 * dW + 0.2 * W)
    call("optim.sgd", W=W, dW=dW, count=count, step_state=step_state(LR=0.1, CLIP=0.5), decay=0.2)
    np.testing.assert_allclose(W, expected, **TOLERANCE)


@counts
def test_momentum(count: int) -> None:
    W, dW, V = arrays(count, 3)
    velocity = 0.9 * V + (0.5 * dW + 0.2 * W)
    expected = W - 0.1 * velocity
    state = step_state(LR=0.1, CLIP=0.5)
    call("optim.momentum", W=W, dW=dW, V=V, count=count, step_state=state, decay=0.2, mu=0.9)
    np.testing.assert_allclose(V, velocity, **TOLERANCE)
    np.testing.assert_allclose(W, expected, **TOLERANCE)


@counts
def test_nesterov(count: int) -> None:
    W, dW, V = arrays(count, 3)
    gradient = 0.5 * dW + 0.2 * W
    velocity = 0.9 * V + gradient
    expected = W - 0.1 * (gradient + 0.9 * velocity)
    state = step_state(LR=0.1, CLIP=0.5)
    call("optim.nesterov", W=W, dW=dW, V=V, count=count, step_state=state, decay=0.2, mu=0.9)
    np.testing.assert_allclose(V, velocity, **TOLERANCE)
    np.testing.assert_allclose(W, expected, **TOLERANCE)


@counts
def test_adam(count: int) -> None:
    W, dW, M, V = arrays(count, 4)
    V = np.abs(V)
    gradient, t = 0.5 * dW, 3
    mean, square = 0.9 * M + 0.1 * gradient, 0.99 * V + 0.01 * gradient**2
    correction_1, correction_2 = 1 - 0.9**t, 1 - 0.99**t
    step = 0.1 * (mean / correction_1) / (np.sqrt(square / correction_2) + 0.1)
    expected = W - 0.1 * 0.3 * W - step
    call(
        "optim.adam",
        W=W,
        dW=dW,
        M=M,
        V=V,
        count=count,
        step_state=step_state(
            LR=0.1, CLIP=0.5, CORRECTION_1=correction_1, CORRECTION_2=correction_2
        ),
        decay=0.3,
        beta1=0.9,
        beta2=0.99,
        rest1=0.1,
        rest2=0.01,
        eps=0.1,
    )
    np.testing.assert_allclose(M, mean, **TOLERANCE)
    np.testing.assert_allclose(V, square, **TOLERANCE)
    np.testing.assert_allclose(W, expected, rtol=1e-4, atol=1e-4)


DECAY = {"decay": 0.0}
# What each optimizer's kernel needs besides W, and where the gradient is.
UPDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("dW", DECAY),
    "momentum": ("dW", {"V": random(2, 21), "mu": 0.9, **DECAY}),
    "nesterov": ("dW", {"V": random(2, 21), "mu": 0.9, **DECAY}),
    "adam": (
        "dW",
        {"M": random(2, 21), "V": np.abs(random(3, 21)), "eps": 1e-6, **DECAY}
        | {"beta1": 0.9, "beta2": 0.99, "rest1": 0.1, "rest2": 0.01},
    ),
    "sgd_by_halves": ("halves", {"size": 21}),
    "sgd_by_chunks": ("parts", {"part_stride": 21, "dW": random(2, 21)}),
}


@pytest.mark.parametrize("index", [0, 20])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kernel", UPDATES)
def test_an_update_that_is_not_finite_is_flagged(kernel: str, bad: float, index: int) -> None:
    name, others = UPDATES[kernel]
    gradient, nonfinite = random(1, 2, 21), np.zeros(1, np.int64)
    gradient[0, index] = bad
    arguments = {key: np.copy(x) if np.ndim(x) else x for key, x in others.items()}
    call_kernel(
        f"optim.{kernel}",
        W=random(0, 21),
        count=21,
        step_state=step_state(LR=0.1, CORRECTION_1=0.5, CORRECTION_2=0.5),
        nonfinite=nonfinite,
        **arguments,
        **{name: gradient if kernel.startswith("sgd_by") else gradient[0].copy()},
    )
    assert nonfinite[0] == 1
