"""The kernels in `kernels.activation` agree with their formulas for whole and partial vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from tests.engines.compiled.kernels.arrays import TOLERANCE, random

Function = Callable[[NDArray[Any]], NDArray[Any]]

cases = settings(max_examples=20, report_multiple_bugs=False)
counts = given(count=st.integers(1, 70), seed=st.integers(0, 999))


def sigmoid(X: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-X))


def check_forward(kernel: str, formula: Function, count: int, seed: int, **others: float) -> None:
    X = 4 * random(seed, count + 1)
    expected, after = formula(X[:count].astype(np.float64)), X[count]
    call_kernel(kernel, X=X, count=count, **others)
    np.testing.assert_allclose(X[:count], expected, **TOLERANCE)
    assert X[count] == after


def check_backward(
    kernel: str, name: str, derivative: Function, count: int, seed: int, **others: float
) -> None:
    kept, dY = random(seed, count), random(seed + 1, count + 1)
    kept[seed % count] = 0  # where derivatives jump
    expected, after = dY[:count] * derivative(kept.astype(np.float64)), dY[count]
    call_kernel(kernel, dY=dY, count=count, **{name: kept}, **others)
    np.testing.assert_allclose(dY[:count], expected, **TOLERANCE)
    assert dY[count] == after


@cases
@counts
def test_relu(count: int, seed: int) -> None:
    check_forward("activation.relu", lambda X: np.maximum(X, 0), count, seed)


@cases
@counts
def test_relu_backward(count: int, seed: int) -> None:
    check_backward("activation.relu_backward", "Y", lambda Y: Y > 0, count, seed)


@cases
@counts
def test_leaky_relu(count: int, seed: int) -> None:
    def formula(X: NDArray[Any]) -> NDArray[Any]:
        return np.where(X > 0, X, 0.25 * X)

    check_forward("activation.leaky_relu", formula, count, seed, slope=0.25)


@cases
@counts
def test_leaky_relu_backward(count: int, seed: int) -> None:
    def derivative(X: NDArray[Any]) -> NDArray[Any]:
        return np.where(X > 0, 1, -0.5)

    check_backward("activation.leaky_relu_backward", "X", derivative, count, seed, slope=-0.5)


@cases
@counts
def test_sigmoid(count: int, seed: int) -> None:
    check_forward("activation.sigmoid", sigmoid, count, seed)


@cases
@counts
def test_sigmoid_backward(count: int, seed: int) -> None:
    check_backward("activation.sigmoid_backward", "Y", lambda Y: Y * (1 - Y), count, seed)


@cases
@counts
def test_tanh(count: int, seed: int) -> None:
    check_forward("activation.tanh", np.tanh, count, seed)


@cases
@counts
def test_tanh_backward(count: int, seed: int) -> None:
    check_backward("activation.tanh_backward", "Y", lambda Y: 1 - Y**2, count, seed)


@cases
@counts
def test_silu(count: int, seed: int) -> None:
    check_forward("activation.silu", lambda X: X * sigmoid(X), count, seed)


@cases
@counts
def test_silu_backward(count: int, seed: int) -> None:
    def derivative(X: NDArray[Any]) -> NDArray[Any]:
        return sigmoid(X) * (1 + X * (1 - sigmoid(X)))

    check_backward("activation.silu_backward", "X", derivative, count, seed)


def test_nan_and_extreme_numbers_are_kept() -> None:
    extreme = np.array([np.nan, np.inf, -np.inf, 100, -100], np.float32)
    for kernel, expected in {
        "activation.relu": [np.nan, np.inf, 0, 100, 0],
        "activation.sigmoid": [np.nan, 1, 0, 1, 0],
        "activation.tanh": [np.nan, 1, -1, 1, -1],
    }.items():
        X = extreme.copy()
        call_kernel(kernel, X=X, count=5)
        np.testing.assert_allclose(X, expected, atol=1e-7)
