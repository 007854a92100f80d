"""Kernels for SGD, Momentum, Adam and AdamW, and for the norm of all gradients."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.numbers import fill, flag_nonfinite, squares
from handgrad.engines.compiled.kernels.pointers import Double, Floats, Ints, as_doubles, at
from handgrad.engines.compiled.kernels.step_state import (
    CHUNKS,
    CLIP,
    CORRECTION_1,
    CORRECTION_2,
    LR,
)


@kernel(reads="parts[chunks]", writes="dW, norms[item]")
def add_chunks(
    parts: Floats,
    part_stride: int,
    dW: Floats,
    count: int,
    step_state: Ints,
    item: int,
    norms: Floats,
) -> None:
    """dW = Σ_chunk parts[chunk]        in order; norms[item] = Σ dW²"""
    fill(dW, count, np.float32(0))
    for chunk in range(step_state[CHUNKS]):
        own = at(parts, chunk * part_stride)
        for i in range(count):
            dW[i] += own[i]
    norms[item] = squares(dW, count)


@kernel(reads="halves", writes="dW, norms[item]")
def add_halves(halves: Floats, size: int, dW: Floats, count: int, norms: Floats, item: int) -> None:
    """dW = dW of the first half of the batch + dW of the second        norms[item] = Σ dW²"""
    second = at(halves, size)
    for i in range(count):
        dW[i] = halves[i] + second[i]
    norms[item] = squares(dW, count)


@kernel(reads="halves", writes="W", flags="nonfinite")
def sgd_by_halves(
    W: Floats, halves: Floats, size: int, count: int, step_state: Ints, nonfinite: Ints
) -> None:
    """W ← W − η (dW of the first half of the batch + dW of the second)"""
    lr, second = np.float32(as_doubles(step_state)[LR]), at(halves, size)
    for i in range(count):
        W[i] -= lr * (halves[i] + second[i])
    flag_nonfinite(W, count, nonfinite)


@kernel(reads="parts[chunks]", writes="W, dW", flags="nonfinite")
def sgd_by_chunks(
    W: Floats,
    parts: Floats,
    part_stride: int,
    dW: Floats,
    count: int,
    step_state: Ints,
    nonfinite: Ints,
) -> None:
    """dW = Σ_chunk parts[chunk]        in order; W ← W − η dW"""
    lr = np.float32(as_doubles(step_state)[LR])
    fill(dW, count, np.float32(0))
    for chunk in range(step_state[CHUNKS]):
        own = at(parts, chunk * part_stride)
        for i in range(count):
            dW[i] += own[i]
    for i in range(count):
        W[i] -= lr * dW[i]
    flag_nonfinite(W, count, nonfinite)


@kernel(reads="dW", writes="W", flags="nonfinite")
def sgd(W: Floats, dW: Floats, count: int, step_state: Ints, decay: float, nonfinite: Ints) -> None:
    """W ← W − η (dW + λW)"""
    lr, clip = np.float32(as_doubles(step_state)[LR]), np.float32(as_doubles(step_state)[CLIP])
    for i in range(count):
        W[i] -= lr * (clip * dW[i] + decay * W[i])
    flag_nonfinite(W, count, nonfinite)


@kernel(reads="dW", writes="W, V", flags="nonfinite")
def momentum(
    W: Floats,
    dW: Floats,
    V: Floats,
    count: int,
    step_state: Ints,
    decay: float,
    mu: float,
    nonfinite: Ints,
) -> None:
    """V ← μV + (dW + λW)        W ← W − ηV"""
    lr, clip = np.float32(as_doubles(step_state)[LR]), np.float32(as_doubles(step_state)[CLIP])
    for i in range(count):
        V[i] = mu * V[i] + (clip * dW[i] + decay * W[i])
        W[i] -= lr * V[i]
    flag_nonfinite(W, count, nonfinite)


@kernel(reads="dW", writes="W, V", flags="nonfinite")
def nesterov(
    W: Floats,
    dW: Floats,
    V: Floats,
    count: int,
    step_state: Ints,
    decay: float,
    mu: float,
    nonfinite: Ints,
) -> None:
    """V ← μV + (dW + λW)        W ← W − η (dW + λW + μV)"""
    lr, clip = np.float32(as_doubles(step_state)[LR]), np.float32(as_doubles(step_state)[CLIP])
    for i in range(count):
        g = clip * dW[i] + decay * W[i]
        V[i] = mu * V[i] + g
        W[i] -= lr * (g + mu * V[i])
    flag_nonfinite(W, count, nonfinite)


@kernel(reads="dW", writes="W, M, V", flags="nonfinite")
def adam(
    W: Floats,
    dW: Floats,
    M: Floats,
    V: Floats,
    count: int,
    step_state: Ints,
    decay: Double,
    beta1: float,
    beta2: float,
    rest1: float,
    rest2: float,
    eps: float,
    nonfinite: Ints,
) -> None:
    """W ← W − ηλW        then M ← β₁M + (1 − β₁) dW        V ← β₂V + (1 − β₂) dW²

    W ← W − η M̂/(√V̂ + ε)        M̂ = M/(1 − β₁ᵗ)        V̂ = V/(1 − β₂ᵗ)
    """
    times = as_doubles(step_state)
    lr, clip = np.float32(times[LR]), np.float32(times[CLIP])
    keep = np.float32(1.0 - times[LR] * decay)
    first, second = np.float32(1.0 / times[CORRECTION_1]), np.float32(1.0 / times[CORRECTION_2])
    for i in range(count):
        g = clip * dW[i]
        M[i] = beta1 * M[i] + rest1 * g
        V[i] = beta2 * V[i] + rest2 * g * g
        W[i] = keep * W[i] - lr * (M[i] * first) / (math.sqrt(V[i] * second) + eps)
    flag_nonfinite(W, count, nonfinite)
