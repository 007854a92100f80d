"""The loss, and the beginning and the end of a step."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import exp, lanes_in
from handgrad.engines.compiled.kernels.pointers import Double, Floats, Ints, at, doubles
from handgrad.engines.compiled.runtime.step_state import (
    CHUNKS,
    CLIP,
    CORRECTION_1,
    CORRECTION_2,
    COUNT,
    END,
    LR,
    NEXT,
    START,
    STEP,
    STOP,
    TOTAL,
    WEIGHT,
)


def begin(
    clock: Ints,
    total: int,
    size: int,
    lrs: Ints,
    order: Ints,
    labels: Ints,
    weights: Floats,
    weighted: int,
    class_weights: Floats,
    beta1: Double,
    beta2: Double,
    spoilt: Ints,
) -> None:
    """Set the clock to the next step: which images, their weights' sum, the learning rate.

    Stop where the last update has left a number that is not finite.
    """
    times = doubles(clock)
    clock[STEP] += 1
    clock[STOP] = 2 * spoilt[0]
    clock[TOTAL] += 1
    clock[START] = clock[STEP] * size
    clock[NEXT], clock[END] = clock[START] + size, total
    clock[COUNT] = min(size, total - clock[START])
    clock[CHUNKS] = (clock[COUNT] + LANES - 1) // LANES
    times[LR] = doubles(lrs)[clock[STEP]]
    times[CLIP] = 1.0
    t = float(clock[TOTAL] + 1)
    times[CORRECTION_1] = 1.0 - math.pow(beta1, t)
    times[CORRECTION_2] = 1.0 - math.pow(beta2, t)
    times[WEIGHT] = float(clock[COUNT])
    if weighted:
        sum_of_weights = 0.0
        for n in range(clock[START], clock[START] + clock[COUNT]):
            sum_of_weights += weights[order[n]] * class_weights[labels[order[n]]]
        times[WEIGHT] = sum_of_weights if sum_of_weights != 0 else 1.0


def softmax_cross_entropy(
    Z: Floats,
    dZ: Floats,
    classes: int,
    smoothing: float,
    order: Ints,
    labels: Ints,
    weights: Floats,
    weighted: int,
    class_weights: Floats,
    clock: Ints,
    chunk: int,
    room: Floats,
    losses: Floats,
    right: Ints,
) -> None:
    """log p = Z − log Σₖ exp Zₖ        q = (1 − ε) onehot(y) + ε/K

    L = Σₙ wₙ (−Σₖ qₙₖ log pₙₖ) / Σₙ wₙ        dZ = wₙ (p − q) / Σₙ wₙ

    Z and dZ (K, lanes); losses[chunk] and right[chunk] are the chunk's share of L, and how many
    it has right; room for (3, lanes).
    """
    top, total, share = room, at(room, LANES), at(room, 2 * LANES)
    for lane in range(LANES):
        top[lane] = Z[lane]
        total[lane] = np.float32(0)
        share[lane] = np.float32(0)
    for k in range(1, classes):
        for lane in range(LANES):
            z = Z[k * LANES + lane]
            top[lane] = top[lane] if z < top[lane] else z
    for k in range(classes):
        for lane in range(LANES):
            dZ[k * LANES + lane] = exp(Z[k * LANES + lane] - top[lane])
            total[lane] += dZ[k * LANES + lane]

    loss, hits = np.float32(0), 0
    q = smoothing / np.float32(classes)
    for lane in range(lanes_in(clock, chunk)):
        image = order[clock[START] + chunk * LANES + lane]
        y = labels[image]
        w = np.float32(1)
        if weighted:
            w = weights[image] * class_weights[y]
        share[lane] = np.float32(w / doubles(clock)[WEIGHT])
        z = Z[y * LANES + lane]
        wrong = np.float32(math.log(total[lane])) + (np.float32(1) - smoothing) * (top[lane] - z)
        hit = True
        for k in range(classes):
            other = Z[k * LANES + lane]
            hit &= other < z or (other == z and k >= y)
            if smoothing > np.float32(0):
                wrong += q * (top[lane] - other)
        loss += share[lane] * wrong
        hits += hit
    losses[chunk] = loss
    right[chunk] = hits

    for k in range(classes):
        for lane in range(LANES):
            p = dZ[k * LANES + lane] / total[lane]
            dZ[k * LANES + lane] = share[lane] * (p - q)
    for lane in range(lanes_in(clock, chunk)):
        y = labels[order[clock[START] + chunk * LANES + lane]]
        dZ[y * LANES + lane] -= share[lane] * (np.float32(1) - smoothing)


def give_logits(Z: Floats, classes: int, clock: Ints, chunk: int, logits: Floats) -> None:
    """logits[n, k] = Z[k, n]        Z (K, lanes)"""
    for lane in range(lanes_in(clock, chunk)):
        row = at(logits, (clock[START] + chunk * LANES + lane) * classes)
        for k in range(classes):
            row[k] = Z[k * LANES + lane]


def judge(
    norms: Floats,
    count: int,
    losses: Floats,
    right: Ints,
    clock: Ints,
    worker: int,
    limit: Double,
    all_losses: Ints,
    all_right: Ints,
) -> None:
    """‖g‖ = √(Σ g²)        the gradients are to be scaled by limit/‖g‖ where ‖g‖ > limit

    Stop where the loss or a gradient is not finite. The loss and the number that were right are
    noted for this step. A limit of 0 stands for none.
    """
    squares = 0.0
    for i in range(count):
        squares += norms[i]
    loss, hits = 0.0, 0
    for chunk in range(clock[CHUNKS]):
        loss += losses[chunk]
        hits += right[chunk]
    if not (math.isfinite(squares) and math.isfinite(loss)):
        clock[STOP] = 1
        return
    if worker == 0:
        doubles(all_losses)[clock[STEP]] = loss
        all_right[clock[STEP]] = hits
    norm = math.sqrt(squares)
    if limit > 0 and norm > limit:
        doubles(clock)[CLIP] = limit / norm
