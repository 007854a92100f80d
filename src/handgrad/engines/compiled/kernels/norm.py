"""Kernels for the forward and backward passes of BatchNorm and Normalize.

X has shape (F, area, lanes). There are F features, each with `area` elements in every image.
"""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import (
    fill,
    flag_nonfinite,
    images_in_chunk,
    lane_sum,
)
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, at
from handgrad.engines.compiled.kernels.step_state import CHUNKS, COUNT

_ZERO = np.float32(0)


@kernel(writes="X, mean, deviation")
def statistics(
    X: Floats,
    features: int,
    area: int,
    step_state: Ints,
    chunk: int,
    mean: Floats,
    deviation: Floats,
) -> None:
    """mean[f] = Σ X / count        deviation[f] = Σ (X − mean)²        for one chunk

    Lanes without an image are set to zero, and what they add to the sums is subtracted again.
    """
    inside = images_in_chunk(step_state, chunk)
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
        deviation[f] = squares - np.float32((LANES - inside) * area) * center * center


@kernel(reads="means[chunks], deviations[chunks]", writes="mean, var, std")
def combine(
    means: Floats,
    deviations: Floats,
    stride: int,
    features: int,
    area: int,
    step_state: Ints,
    eps: float,
    mean: Floats,
    var: Floats,
    std: Floats,
) -> None:
    """mean, var = mean and variance of the batch, from those of its chunks        σ = √(var + ε)

    T. Chan, G. Golub, R. LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
    sample variances", equations 2.1.
    """
    fill(mean, features, _ZERO)
    fill(var, features, _ZERO)
    count = 0.0
    for chunk in range(step_state[CHUNKS]):
        more = float(images_in_chunk(step_state, chunk) * area)
        share, between = (
            np.float32(more / (count + more)),
            np.float32(count * more / (count + more)),
        )
        center, deviation = at(means, chunk * stride), at(deviations, chunk * stride)
        for f in range(features):
            difference = center[f] - mean[f]
            mean[f] += difference * share
            var[f] += deviation[f] + difference * difference * between
        count += more
    share = np.float32(1.0 / count)
    for f in range(features):
        var[f] *= share
        std[f] = math.sqrt(var[f] + eps)


@kernel(reads="mean, std, weight, bias", writes="X, Y")
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


@kernel(reads="mean, var, weight, bias", writes="X")
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


@kernel(reads="X_hat, dY", writes="dweight, dbias")
def gradient(
    X_hat: Floats, dY: Floats, dweight: Floats, dbias: Floats, features: int, area: int
) -> None:
    """dγ = Σ dY X̂        dβ = Σ dY        for one chunk"""
    for f in range(features):
        hat, dy = at(X_hat, f * area * LANES), at(dY, f * area * LANES)
        product, total = _ZERO, _ZERO
        for i in range(area * LANES):
            product += dy[i] * hat[i]
            total += dy[i]
        dweight[f], dbias[f] = product, total


@kernel(reads="dweights[chunks], dbiases[chunks]", writes="mean_dY_X, mean_dY")
def mean_gradient(
    dweights: Floats,
    dbiases: Floats,
    stride: int,
    features: int,
    area: int,
    step_state: Ints,
    mean_dY_X: Floats,
    mean_dY: Floats,
) -> None:
    """mean_dY_X[f] = mean(dY X̂)        mean_dY[f] = mean(dY)        over all chunks in order"""
    share = np.float32(1) / np.float32(step_state[COUNT] * area)
    fill(mean_dY_X, features, _ZERO)
    fill(mean_dY, features, _ZERO)
    for chunk in range(step_state[CHUNKS]):
        dweight, dbias = at(dweights, chunk * stride), at(dbiases, chunk * stride)
        for f in range(features):
            mean_dY_X[f] += dweight[f]
            mean_dY[f] += dbias[f]
    for f in range(features):
        mean_dY_X[f] *= share
        mean_dY[f] *= share


@kernel(reads="X_hat, mean_dY_X, mean_dY, weight, std", writes="dY")
def backward(
    X_hat: Floats,
    dY: Floats,
    mean_dY_X: Floats,
    mean_dY: Floats,
    weight: Floats,
    std: Floats,
    features: int,
    area: int,
    step_state: Ints,
    chunk: int,
) -> None:
    """dY ← γ/σ · (dY − mean(dY) − X̂ · mean(dY X̂)); 0 in lanes without an image"""
    inside = images_in_chunk(step_state, chunk)
    for f in range(features):
        slope, shift, scale = mean_dY_X[f], mean_dY[f], weight[f] / std[f]
        hat, dy = at(X_hat, f * area * LANES), at(dY, f * area * LANES)
        for i in range(area * LANES):
            dy[i] = scale * (dy[i] - shift - hat[i] * slope)
        for p in range(area if inside < LANES else 0):
            for lane in range(inside, LANES):
                dy[p * LANES + lane] = _ZERO


@kernel(reads="mean, var", writes="running_mean, running_var", flags="nonfinite")
def update_buffers(
    mean: Floats,
    var: Floats,
    running_mean: Floats,
    running_var: Floats,
    features: int,
    area: int,
    momentum: float,
    step_state: Ints,
    nonfinite: Ints,
) -> None:
    """running ← momentum · (statistic of the batch) + (1 − momentum) · running

    The variance is unbiased, with count − 1 in the denominator. If count is 1, the running
    statistics do not change.
    """
    count = step_state[COUNT] * area
    if count == 1:
        return
    unbiased = np.float32(count / (count - 1))
    keep = np.float32(1) - momentum
    for f in range(features):
        running_mean[f] = keep * running_mean[f] + momentum * mean[f]
        running_var[f] = keep * running_var[f] + momentum * (var[f] * unbiased)
    flag_nonfinite(running_mean, features, nonfinite)
    flag_nonfinite(running_var, features, nonfinite)


@kernel(reads="shift, scale", writes="X")
def normalize(X: Floats, shift: Floats, scale: Floats, features: int, area: int) -> None:
    """X ← X · scale − shift        with scale = 1/s and shift = m/s of the training set"""
    for f in range(features):
        s, m = scale[f], shift[f]
        x = at(X, f * area * LANES)
        for i in range(area * LANES):
            x[i] = x[i] * s - m


@kernel(reads="scale", writes="dY")
def normalize_backward(dY: Floats, scale: Floats, features: int, area: int) -> None:
    """dY ← dY/s"""
    for f in range(features):
        s = scale[f]
        dy = at(dY, f * area * LANES)
        for i in range(area * LANES):
            dy[i] = dy[i] * s
