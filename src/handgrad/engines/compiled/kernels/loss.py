"""The loss kernel, which computes softmax cross-entropy and its gradient."""

from __future__ import annotations

import math

import numpy as np

from handgrad.engines.compiled.kernels.decorators import kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.numbers import exp, images_in_chunk
from handgrad.engines.compiled.kernels.pointers import Floats, Ints, as_doubles, at
from handgrad.engines.compiled.kernels.step_state import START, WEIGHT


@kernel(
    reads="Z, order, labels, weights, class_weights",
    writes="dZ, losses[chunk], correct[chunk]",
    scratch="scratch",
)
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
    step_state: Ints,
    chunk: int,
    scratch: Floats,
    losses: Floats,
    correct: Ints,
) -> None:
    """log p = Z − log Σₖ exp Zₖ        q = (1 − ε) onehot(y) + ε/K

    L = Σₙ wₙ (−Σₖ qₙₖ log pₙₖ) / Σₙ wₙ        dZ = wₙ (p − q) / Σₙ wₙ

    L is the loss of the batch. Z and dZ have shape (K, lanes). losses[chunk] is the chunk's
    contribution to L, and correct[chunk] is its number of correct predictions. The scratch memory
    has shape (3, lanes).
    """
    largest, total, share = scratch, at(scratch, LANES), at(scratch, 2 * LANES)
    for lane in range(LANES):
        largest[lane] = Z[lane]
        total[lane] = np.float32(0)
        share[lane] = np.float32(0)
    for k in range(1, classes):
        for lane in range(LANES):
            z = Z[k * LANES + lane]
            largest[lane] = largest[lane] if z < largest[lane] else z
    for k in range(classes):
        for lane in range(LANES):
            dZ[k * LANES + lane] = exp(Z[k * LANES + lane] - largest[lane])
            total[lane] += dZ[k * LANES + lane]

    loss, hits = np.float32(0), 0
    q = smoothing / np.float32(classes)
    for lane in range(images_in_chunk(step_state, chunk)):
        image = order[step_state[START] + chunk * LANES + lane]
        y = labels[image]
        w = np.float32(1)
        if weighted:
            w = weights[image] * class_weights[y]
        share[lane] = np.float32(w / as_doubles(step_state)[WEIGHT])
        z = Z[y * LANES + lane]
        example_loss = np.float32(math.log(total[lane])) + (np.float32(1) - smoothing) * (
            largest[lane] - z
        )
        hit = True
        for k in range(classes):
            other = Z[k * LANES + lane]
            hit &= other < z or (other == z and k >= y)
            if smoothing > np.float32(0):
                example_loss += q * (largest[lane] - other)
        loss += share[lane] * example_loss
        hits += hit
    losses[chunk] = loss
    correct[chunk] = hits

    for k in range(classes):
        for lane in range(LANES):
            p = dZ[k * LANES + lane] / total[lane]
            dZ[k * LANES + lane] = share[lane] * (p - q)
    for lane in range(images_in_chunk(step_state, chunk)):
        y = labels[order[step_state[START] + chunk * LANES + lane]]
        dZ[y * LANES + lane] -= share[lane] * (np.float32(1) - smoothing)
