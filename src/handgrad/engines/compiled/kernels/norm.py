"""Normalisation. X (F, area, lanes): F features, each at `area` places of every image."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import fill, lane_sum, lanes_in, note_spoilt
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, at
from handgrad.engines.compiled.runtime.step_state import CHUNKS, COUNT

_ZERO = np.float32(0)


def statistics(
    X: Floats, features: int, area: int, clock: Ints, chunk: int, mean: Floats, spread: Floats
) -> None:
    """mean[f] = Σ X / count        spread[f] = Σ (X − mean)²        of one chunk's images

    Lanes that hold no image become zero, and what they add is taken off again.
    """
    inside = lanes_in(clock, chunk)
    count = np.float32(inside * area)
    for f in range(features):
        x = at(X, f * area * LANES)
        if inside < LANES:
            for p in range(area):
                for lane in range(inside, LANES):
                    x[p * LANES + lane] = _ZERO
        total = lane_sum(x, area * LANES)
        center = total / count
        squares = _ZERO
        for i in range(area * LANES):
            squares += (x[i] - center) * (x[i] - center)
        mean[f] = center
        spread[f] = squares - np.float32((LANES - inside) * area) * center * center


def combine(
    means: Floats,
    spreads: Floats,
    stride: int,
    features: int,
    area: int,
    clock: Ints,
    eps: float,
    mean: Floats,
    var: Floats,
    std: Floats,
) -> None:
    """The batch's mean and variance from those of its chunks; σ = √(var + ε).

    T. Chan, G. Golub, R. LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
    sample variances", equations 2.1.
    """
    fill(mean, features, _ZERO)
    fill(var, features, _ZERO)
    count = 0.0
    for chunk in range(clock[CHUNKS]):
        more = float(lanes_in(clock, chunk) * area)
        share, between = (
            np.float32(more / (count + more)),
            np.float32(count * more / (count + more)),
        )
        center, spread = at(means, chunk * stride), at(spreads, chunk * stride)
        for f in range(features):
            apart = center[f] - mean[f]
            mean[f] += apart * share
            var[f] += spread[f] + apart * apart * between
        count += more
    share = np.float32(1.0 / count)
    for f in range(features):
        var[f] *= share
        std[f] = math.sqrt(var[f] + eps)


def forward(
    X: Floats,
    mean: Floats,
    std: Floats,
    weight: Floats,
    bias: Floats,
    Y: Floats,
    features: int,
    area: int,
) -> None:
    """X ← X̂ = (X − μ)/σ        Y = γ X̂ + β"""
    for f in range(features):
        center, share, gamma, beta = mean[f], np.float32(1) / std[f], weight[f], bias[f]
        x, y = at(X, f * area * LANES), at(Y, f * area * LANES)
        for i in range(area * LANES):
            hat = (x[i] - center) * share
            x[i] = hat
            y[i] = gamma * hat + beta


def infer(
    X: Floats,
    mean: Floats,
    var: Floats,
    eps: float,
    weight: Floats,
    bias: Floats,
    features: int,
    area: int,
) -> None:
    """X ← γ (X − μ)/√(var + ε) + β        with the running μ and var"""
    for f in range(features):
        center, gamma, beta = mean[f], weight[f] / math.sqrt(var[f] + eps), bias[f]
        x = at(X, f * area * LANES)
        for i in range(area * LANES):
            x[i] = gamma * (x[i] - center) + beta


def gradient(
    X_hat: Floats, dY: Floats, dweight: Floats, dbias: Floats, features: int, area: int
) -> None:
    """dγ = Σ dY X̂        dβ = Σ dY        of one chunk"""
    for f in range(features):
        hat, dy = at(X_hat, f * area * LANES), at(dY, f * area * LANES)
        along, total = _ZERO, _ZERO
        for i in range(area * LANES):
            along += dy[i] * hat[i]
            total += dy[i]
        dweight[f], dbias[f] = along, total


def mean_gradient(
    dweights: Floats,
    dbiases: Floats,
    stride: int,
    features: int,
    area: int,
    clock: Ints,
    along: Floats,
    mean: Floats,
) -> None:
    """along[f] = mean(dY X̂)        mean[f] = mean(dY)        over all chunks in order"""
    share = np.float32(1) / np.float32(clock[COUNT] * area)
    fill(along, features, _ZERO)
    fill(mean, features, _ZERO)
    for chunk in range(clock[CHUNKS]):
        dweight, dbias = at(dweights, chunk * stride), at(dbiases, chunk * stride)
        for f in range(features):
            along[f] += dweight[f]
            mean[f] += dbias[f]
    for f in range(features):
        along[f] *= share
        mean[f] *= share


def backward(
    X_hat: Floats,
    dY: Floats,
    along: Floats,
    mean: Floats,
    weight: Floats,
    std: Floats,
    features: int,
    area: int,
    clock: Ints,
    chunk: int,
) -> None:
    """dY ← γ/σ · (dY − mean(dY) − X̂ · mean(dY X̂)); zero in lanes that hold no image"""
    inside = lanes_in(clock, chunk)
    for f in range(features):
        slope, shift, scale = along[f], mean[f], weight[f] / std[f]
        hat, dy = at(X_hat, f * area * LANES), at(dY, f * area * LANES)
        for i in range(area * LANES):
            dy[i] = scale * (dy[i] - shift - hat[i] * slope)
        for p in range(area if inside < LANES else 0):
            for lane in range(inside, LANES):
                dy[p * LANES + lane] = _ZERO


def update_buffers(
    mean: Floats,
    var: Floats,
    running_mean: Floats,
    running_var: Floats,
    features: int,
    area: int,
    momentum: float,
    clock: Ints,
    spoilt: Ints,
) -> None:
    """The running statistics: momentum · the batch's + (1 − momentum) · those before.

    The variance is the unbiased one, divided by count − 1: one number alone changes nothing.
    """
    count = clock[COUNT] * area
    if count == 1:
        return
    unbiased = np.float32(count / (count - 1))
    keep = np.float32(1) - momentum
    for f in range(features):
        running_mean[f] = keep * running_mean[f] + momentum * mean[f]
        running_var[f] = keep * running_var[f] + momentum * (var[f] * unbiased)
    note_spoilt(running_mean, features, spoilt)
    note_spoilt(running_var, features, spoilt)


def normalize(X: Floats, shift: Floats, scale: Floats, features: int, area: int) -> None:
    """X ← X · scale − shift        with scale = 1/s and shift = m/s of the training set"""
    for f in range(features):
        s, m = scale[f], shift[f]
        x = at(X, f * area * LANES)
        for i in range(area * LANES):
            x[i] = x[i] * s - m


def normalize_backward(dY: Floats, scale: Floats, features: int, area: int) -> None:
    """dY ← dY/s"""
    for f in range(features):
        s = scale[f]
        dy = at(dY, f * area * LANES)
        for i in range(area * LANES):
            dy[i] = dy[i] * s
