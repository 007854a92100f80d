"""What layers made of layers need: a sum, and a copy."""

from __future__ import annotations

from handgrad.engines.compiled.kernels.pointers import Floats


def add(A: Floats, B: Floats, Y: Floats, count: int) -> None:
    """Y = A + B"""
    for i in range(count):
        Y[i] = A[i] + B[i]


def copy(X: Floats, Y: Floats, count: int) -> None:
    """Y = X"""
    for i in range(count):
        Y[i] = X[i]
