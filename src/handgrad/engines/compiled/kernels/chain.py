"""Kernels for Residual, which add two branches or copy a value."""

from __future__ import annotations

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.pointers import Floats


@kernel(reads="A, B", writes="Y")
def add(A: Floats, B: Floats, Y: Floats, count: int) -> None:
    """Y = A + B"""
    for i in range(count):
        Y[i] = A[i] + B[i]


@kernel(reads="X", writes="Y")
def copy(X: Floats, Y: Floats, count: int) -> None:
    """Y = X"""
    for i in range(count):
        Y[i] = X[i]
