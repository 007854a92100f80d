"""Numba's decorators, in the two forms that the kernels use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import intrinsic

# Sums may be reordered and products fused. That there are no NaNs is never assumed.
FAST = {"reassoc", "contract", "nsz", "arcp"}


def helper(function: Callable[..., Any]) -> Any:
    """A function that kernels call; its sums are made in the order in which they are written."""
    return numba.njit(error_model="numpy")(function)


def fast_helper(function: Callable[..., Any]) -> Any:
    """A function that kernels call; its sums may be reordered, so that they become vectors."""
    return numba.njit(error_model="numpy", fastmath=FAST)(function)


def emitted(function: Callable[..., Any]) -> Any:
    """A function that kernels call, and that writes its own machine code."""
    return intrinsic(prefer_literal=True)(function)
