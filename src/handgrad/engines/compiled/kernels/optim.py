"""The optimizers, each over `count` numbers of all parameters in a row."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.numbers import fill, note_spoilt, squares
from handgrad.engines.compiled.kernels.pointers import Double, Floats, Ints, at, doubles
from handgrad.engines.compiled.runtime.step_state import (
    CHUNKS,
    CLIP,
    CORRECTION_1,
    CORRECTION_2,
    LR,
)


def add_chunks(
    parts: Floats, part: int, dW: Floats, count: int, clock: Ints, item: int, norms: Floats
) -> None:
    """dW = Σ_chunk parts[chunk]        in order; norms[item] = Σ dW²"""
    fill(dW, count, np.float32(0))
    for chunk in range(clock[CHUNKS]):
        own = at(parts, chunk * part)
        for i in range(count):
            dW[i] += own[i]
    norms[item] = squares(dW, count)


def add_shares(shares: Floats, size: int, dW: Floats, count: int, norms: Floats, item: int) -> None:
    """dW = dW of the batch's first half + dW of its second        norms[item] = Σ dW²"""
    second = at(shares, size)
    for i in range(count):
        dW[i] = shares[i] + second[i]
    norms[item] = squares(dW, count)


def sgd_by_shares(
    W: Floats, shares: Floats, size: int, count: int, clock: Ints, spoilt: Ints
) -> None:
    """W ← W − η (dW of the batch's first half + dW of its second)"""
    lr, second = np.float32(doubles(clock)[LR]), at(shares, size)
    for i in range(count):
        W[i] -= lr * (shares[i] + second[i])
    note_spoilt(W, count, spoilt)


def sgd_by_chunks(
    W: Floats, parts: Floats, part: int, dW: Floats, count: int, clock: Ints, spoilt: Ints
) -> None:
    """dW = Σ_chunk parts[chunk]        in order; W ← W − η dW"""
    lr = np.float32(doubles(clock)[LR])
    fill(dW, count, np.float32(0))
    for chunk in range(clock[CHUNKS]):
        own = at(parts, chunk * part)
        for i in range(count):
            dW[i] += own[i]
    for i in range(count):
        W[i] -= lr * dW[i]
    note_spoilt(W, count, spoilt)


def sgd(W: Floats, dW: Floats, count: int, clock: Ints, decay: float, spoilt: Ints) -> None:
    """W ← W − η (dW + λW)"""
    lr, clip = np.float32(doubles(clock)[LR]), np.float32(doubles(clock)[CLIP])
    for i in range(count):
        W[i] -= lr * (clip * dW[i] + decay * W[i])
    note_spoilt(W, count, spoilt)


def momentum(
    W: Floats, dW: Floats, V: Floats, count: int, clock: Ints, decay: float, mu: float, spoilt: Ints
) -> None:
    """V ← μV + (dW + λW)        W ← W − ηV"""
    lr, clip = np.float32(doubles(clock)[LR]), np.float32(doubles(clock)[CLIP])
    for i in range(count):
        V[i] = mu * V[i] + (clip * dW[i] + decay * W[i])
        W[i] -= lr * V[i]
    note_spoilt(W, count, spoilt)


def nesterov(
    W: Floats, dW: Floats, V: Floats, count: int, clock: Ints, decay: float, mu: float, spoilt: Ints
) -> None:
    """V ← μV + (dW + λW)        W ← W − η (dW + λW + μV)"""
    lr, clip = np.float32(doubles(clock)[LR]), np.float32(doubles(clock)[CLIP])
    for i in range(count):
        g = clip * dW[i] + decay * W[i]
        V[i] = mu * V[i] + g
        W[i] -= lr * (g + mu * V[i])
    note_spoilt(W, count, spoilt)


def adam(
    W: Floats,
    dW: Floats,
    M: Floats,
    V: Floats,
    count: int,
    clock: Ints,
    decay: Double,
    beta1: float,
    beta2: float,
    rest1: float,
    rest2: float,
    eps: float,
    spoilt: Ints,
) -> None:
    """W ← W − ηλW        then M ← β₁M + (1 − β₁) dW        V ← β₂V + (1 − β₂) dW²

    W ← W − η M̂/(√V̂ + ε)        M̂ = M/(1 − β₁ᵗ)        V̂ = V/(1 − β₂ᵗ)
    """
    times = doubles(clock)
    lr, clip = np.float32(times[LR]), np.float32(times[CLIP])
    keep = np.float32(1.0 - times[LR] * decay)
    first, second = np.float32(1.0 / times[CORRECTION_1]), np.float32(1.0 / times[CORRECTION_2])
    for i in range(count):
        g = clip * dW[i]
        M[i] = beta1 * M[i] + rest1 * g
        V[i] = beta2 * V[i] + rest2 * g * g
        W[i] = keep * W[i] - lr * (M[i] * first) / (math.sqrt(V[i] * second) + eps)
    note_spoilt(W, count, spoilt)
