"""Vectorizable helper functions for kernels: exp, tanh, sigmoid, sums and fills."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.decorators import fast_helper, helper
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, Number, as_int32, float_of_bits
from handgrad.engines.compiled.kernels.step_state import COUNT

_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH = np.float32(0.693359375)
_LN2_LOW = np.float32(-2.12194440e-4)
_ONE = np.float32(1)
_HALF = np.float32(0.5)


@helper
def exp(x: Number) -> Number:
    """Return eˣ for x ≤ 88, accurate to 2 ulp. The result is 0 if x < −87, and NaN if x is NaN.

    The exponential is computed as eˣ = 2ⁿ eʳ with n = round(x/ln 2) and |r| ≤ ln(2)/2, where eʳ is
    computed from its Taylor series.
    """
    clamped = x if x > np.float32(-87) else np.float32(-87)
    quotient = clamped * _LOG2_E
    exponent = np.int32(quotient + (_HALF if quotient > np.float32(0) else -_HALF))
    n = np.float32(exponent)
    r = clamped - n * _LN2_HIGH - n * _LN2_LOW
    p = np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + _HALF
    p = p * r + _ONE
    p = p * r + _ONE
    scale = float_of_bits(np.int32((exponent + np.int32(127)) << np.int32(23)))
    y = p * scale
    y = y if x >= np.float32(-87) else np.float32(0)
    return x if x != x else y


@helper
def tanh(x: Number) -> Number:
    """Return tanh x, accurate to a few ulp. The result is NaN if x is NaN.

    If |x| is below 1/4, a polynomial is used, which is accurate for small numbers. Otherwise, the
    result is (1 − e)/(1 + e) with e = exp(−2 |x|), given the sign of x.
    """
    size = abs(x)
    s = x * x
    near = x * (
        _ONE
        + s
        * (
            np.float32(-0.33333331)
            + s * (np.float32(0.13333164) + s * (np.float32(-0.05385878) + s * np.float32(0.0207)))
        )
    )
    e = exp(np.float32(-2) * size)
    far = (_ONE - e) / (_ONE + e)
    far = -far if x < np.float32(0) else far
    return near if size < np.float32(0.25) else far


@helper
def sigmoid(x: Number) -> Number:
    """Return 1/(1 + e⁻ˣ) = (1 + tanh(x/2))/2."""
    return (tanh(x * _HALF) + _ONE) * _HALF


@fast_helper
def squares(X: Floats, count: int) -> Number:
    """Return the sum of the squares of `count` numbers."""
    total = np.float32(0)
    for i in range(count):
        total += X[i] * X[i]
    return total


@fast_helper
def lane_sum(X: Floats, count: int) -> Number:
    """Return the sum of `count` numbers."""
    total = np.float32(0)
    for i in range(count):
        total += X[i]
    return total


@helper
def fill(X: Floats, count: int, value: Number) -> None:
    """Set X[i] ← value for i < count."""
    for i in range(count):
        X[i] = value


@helper
def flag_nonfinite(X: Floats, count: int, nonfinite: Ints) -> None:
    """Set nonfinite[0] to 1 if a number is inf or NaN, that is, has all exponent bits set."""
    exponents, largest = np.int32(0x7F800000), np.int32(0)
    pattern = as_int32(X)
    for i in range(count):
        largest = max(largest, pattern[i] & exponents)
    if largest == exponents:
        nonfinite[0] = 1


@helper
def images_in_chunk(step_state: Ints, chunk: int) -> int:
    """Return how many of the chunk's 16 lanes contain an image of the batch."""
    return min(LANES, step_state[COUNT] - LANES * chunk)
