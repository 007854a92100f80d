"""Kernels that begin and end a step: they select the batch, check values and write logits."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import images_in_chunk, squares
from handgrad.engines.compiled.kernels.pointers import Double, Floats, Ints, as_doubles, at
from handgrad.engines.compiled.kernels.step_state import (
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


@kernel(reads="lrs, order, labels, weights, class_weights, nonfinite")
def begin(
    step_state: Ints,
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
    nonfinite: Ints,
) -> None:
    """Store the batch, the sum of its weights and the learning rate in the state of the next step.

    STOP becomes 2 if the last update produced a non-finite value.
    """
    doubles = as_doubles(step_state)
    step_state[STEP] += 1
    step_state[STOP] = 2 * nonfinite[0]
    step_state[TOTAL] += 1
    step_state[START] = step_state[STEP] * size
    step_state[NEXT], step_state[END] = step_state[START] + size, total
    step_state[COUNT] = min(size, total - step_state[START])
    step_state[CHUNKS] = (step_state[COUNT] + LANES - 1) // LANES
    doubles[LR] = as_doubles(lrs)[step_state[STEP]]
    doubles[CLIP] = 1.0
    t = float(step_state[TOTAL] + 1)
    doubles[CORRECTION_1] = 1.0 - math.pow(beta1, t)
    doubles[CORRECTION_2] = 1.0 - math.pow(beta2, t)
    doubles[WEIGHT] = float(step_state[COUNT])
    if weighted:
        sum_of_weights = 0.0
        for n in range(step_state[START], step_state[START] + step_state[COUNT]):
            sum_of_weights += weights[order[n]] * class_weights[labels[order[n]]]
        doubles[WEIGHT] = sum_of_weights if sum_of_weights != 0 else 1.0


@kernel(reads="R", writes="norms[chunk]")
def squared_norm(R: Floats, size: int, step_state: Ints, chunk: int, norms: Floats) -> None:
    """norms[chunk] = (1 + η²) Σ R²

    R contains dY of one chunk. The result is not finite if dY or η dY is too large.
    """
    lr = np.float32(as_doubles(step_state)[LR])
    norms[chunk] = (np.float32(1) + lr * lr) * squares(R, size)


@kernel(
    reads="norms, losses, correct",
    writes="all_losses[worker], all_correct[worker]",
)
def check_finite(
    norms: Floats,
    count: int,
    losses: Floats,
    correct: Ints,
    step_state: Ints,
    worker: int,
    max_norm: Double,
    all_losses: Ints,
    all_correct: Ints,
) -> None:
    """‖g‖ = √(Σ norms)        CLIP = max_norm/‖g‖ where ‖g‖ > max_norm

    Every worker computes the norm ‖g‖ and the factor CLIP, and stores them in its own step state.
    STOP becomes 1 if the loss or a gradient is not finite. Otherwise worker 0 records the loss and
    the number of correct predictions of this step. A max_norm of 0 means no clipping.
    """
    sum_of_squares = 0.0
    for i in range(count):
        sum_of_squares += norms[i]
    loss, hits = 0.0, 0
    for chunk in range(step_state[CHUNKS]):
        loss += losses[chunk]
        hits += correct[chunk]
    if not (math.isfinite(sum_of_squares) and math.isfinite(loss)):
        step_state[STOP] = 1
        return
    if worker == 0:
        as_doubles(all_losses)[step_state[STEP]] = loss
        all_correct[step_state[STEP]] = hits
    norm = math.sqrt(sum_of_squares)
    if max_norm > 0 and norm > max_norm:
        as_doubles(step_state)[CLIP] = max_norm / norm


@kernel(reads="Z", writes="logits[chunk]")
def write_logits(Z: Floats, classes: int, step_state: Ints, chunk: int, logits: Floats) -> None:
    """logits[n, k] = Z[k, n]        Z (K, lanes)"""
    for lane in range(images_in_chunk(step_state, chunk)):
        row = at(logits, (step_state[START] + chunk * LANES + lane) * classes)
        for k in range(classes):
            row[k] = Z[k * LANES + lane]
