"""The kernel in `kernels.loss` agrees with its formula (weights, smoothing, partial chunks)."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import TOLERANCE, chunked, random, step_state, unset


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [0, 1])
@pytest.mark.parametrize("lanes", [1, LANES])
@pytest.mark.parametrize(("N", "K"), [(1, 2), (5, 3), (16, 10), (37, 4)])
def test_softmax_cross_entropy(N: int, K: int, lanes: int, weighted: int, smoothing: float) -> None:
    N = min(N, lanes) if lanes == 1 else N
    rng, start = np.random.default_rng(0), 4
    # Rounded, so that the largest logit often occurs twice.
    Z, order = np.round(random(0, N, K) * 2), rng.permutation(N + 10)
    labels, weights = rng.integers(0, K, N + 10), rng.random(N + 10).astype(np.float32)
    class_weights = rng.random(K).astype(np.float32)
    batch = order[start : start + N]
    y = labels[batch]
    w = weights[batch] * class_weights[y] if weighted else np.ones(N)
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    q = (1 - smoothing) * np.eye(K)[y] + smoothing / K
    dZ = w[:, None] * (np.exp(log_p) - q) / w.sum()

    chunks = -(-N // LANES)
    losses, correct, found = unset(chunks), np.full(chunks, -1), unset(chunks, K, lanes)
    Z_in_lanes = chunked(Z)[:, :, :lanes].copy()
    for chunk in range(chunks):
        call_kernel(
            "loss.softmax_cross_entropy",
            {} if lanes == LANES else {"LANES": 1},
            Z=Z_in_lanes[chunk],
            dZ=found[chunk],
            classes=K,
            smoothing=smoothing,
            order=order,
            labels=labels,
            weights=weights,
            weighted=weighted,
            class_weights=class_weights,
            step_state=step_state(N, start, WEIGHT=w.sum()),
            chunk=chunk,
            scratch=unset(3 * LANES),
            losses=losses,
            correct=correct,
        )
    loss = -(w * (q * log_p).sum(axis=1)).sum() / w.sum()
    np.testing.assert_allclose(losses.sum(), loss, rtol=1e-4)
    assert correct.sum() == (Z.argmax(axis=1) == y).sum()
    np.testing.assert_allclose(found, chunked(dZ)[:, :, :lanes], **TOLERANCE)
