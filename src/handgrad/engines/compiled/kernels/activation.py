"""Kernels for activations and their derivatives, which work elementwise and in place.

Since each kernel overwrites its input, the compiler need not check whether input and output
overlap.
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels import numbers
from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.pointers import Floats

_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel(writes="X")
def relu(X: Floats, count: int) -> None:
    """X ← max(X, 0); NaN stays NaN"""
    for i in range(count):
        X[i] = _ZERO if X[i] < _ZERO else X[i]


@kernel(reads="Y", writes="dY")
def relu_backward(Y: Floats, dY: Floats, count: int) -> None:
    """dY ← dY where Y > 0, else 0"""
    for i in range(count):
        dY[i] = dY[i] if Y[i] > _ZERO else _ZERO


@kernel(writes="X")
def leaky_relu(X: Floats, count: int, slope: float) -> None:
    """X ← X where X > 0, else slope·X"""
    for i in range(count):
        X[i] = X[i] if X[i] > _ZERO else X[i] * slope


@kernel(reads="X", writes="dY")
def leaky_relu_backward(X: Floats, dY: Floats, count: int, slope: float) -> None:
    """dY ← dY where X > 0, else slope·dY

    If the slope is not negative, X may also be the layer's output, which has the same sign as the
    input.
    """
    for i in range(count):
        dY[i] = dY[i] if X[i] > _ZERO else dY[i] * slope


@kernel(writes="X")
def sigmoid(X: Floats, count: int) -> None:
    """X ← 1/(1 + e⁻ˣ)"""
    for i in range(count):
        X[i] = numbers.sigmoid(X[i])


@kernel(reads="Y", writes="dY")
def sigmoid_backward(Y: Floats, dY: Floats, count: int) -> None:
    """dY ← dY · Y(1 − Y)"""
    for i in range(count):
        dY[i] = dY[i] * Y[i] * (_ONE - Y[i])


@kernel(writes="X")
def tanh(X: Floats, count: int) -> None:
    """X ← tanh X"""
    for i in range(count):
        X[i] = numbers.tanh(X[i])


@kernel(reads="Y", writes="dY")
def tanh_backward(Y: Floats, dY: Floats, count: int) -> None:
    """dY ← dY · (1 − Y²)"""
    for i in range(count):
        dY[i] = dY[i] * (_ONE - Y[i] * Y[i])


@kernel(writes="X")
def silu(X: Floats, count: int) -> None:
    """X ← X·σ(X)"""
    for i in range(count):
        X[i] = X[i] * numbers.sigmoid(X[i])


@kernel(reads="X", writes="dY")
def silu_backward(X: Floats, dY: Floats, count: int) -> None:
    """dY ← dY · σ(X)(1 + X(1 − σ(X)))"""
    for i in range(count):
        S = numbers.sigmoid(X[i])
        dY[i] = dY[i] * S * (_ONE + X[i] * (_ONE - S))
