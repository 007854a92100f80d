"""Trains two engines with the same initial weights, and checks that they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.engines import BatchStream, Engine, ReferenceEngine, StepResults, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.layers import Array, Shape
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD
from tests.cases import CASES, Case

CASE = {case.name: case for case in CASES}
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(0.05))
STEPS = 20


def batches(case: Case, size: int = 6, steps: int = STEPS, **others: Any) -> BatchStream:
    """Return batches of a few images for several steps; the last batch is smaller."""
    count = 3 * size + 1
    rng = np.random.default_rng(7)
    order = np.concatenate([rng.permutation(count) for _ in range(steps)])[
        : steps * size - size // 2
    ]
    run = BatchStream(
        case.examples(count=count, dtype=np.float32),
        case.labels(count=count),
        None,
        order,
        size,
        [0.05 / (1 + step) for step in range(steps)],
    )
    return run._replace(**others)


def pair(
    case: Case, config: TrainConfig = CONFIG, **settings: Any
) -> tuple[ReferenceEngine, Engine]:
    """Return both engines, each with its own copy of the same network."""
    return ReferenceEngine(case.network(), config), CompiledEngine(
        case.network(), config, **settings
    )


def differ(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, float]:
    """Return the difference of each array of two networks, relative to its norm."""
    return {
        name: float(np.linalg.norm(a[name] - b[name]) / max(np.linalg.norm(a[name]), 1e-3))
        for name in a
    }


def assert_agree(reference: Any, compiled: Any, left: StepResults, right: StepResults) -> None:
    """Assert that two engines have the same results up to rounding."""
    apart = differ(reference.net.arrays, compiled.net.arrays)
    assert max(apart.values()) <= 1e-4, apart
    np.testing.assert_allclose(left.losses, right.losses, rtol=1e-4, atol=1e-6)
    assert np.abs(left.correct - right.correct).sum() <= 1  # two logits may lie as close as that
    assert reference.steps == compiled.steps


def is_well_conditioned(
    exact: Engine, reference: Engine, right: StepResults, left: StepResults
) -> bool:
    """Return whether rounding errors moved the reference engine only slightly away from float64.

    Its distance may be a tenth of the one that `assert_agree` allows between the engines.

    Args:
        exact: the engine after a run in float64.
        reference: the engine after the same run in float32.
        right: the results of `exact`.
        left: the results of `reference`.
    """
    apart = differ(exact.net.arrays, reference.net.arrays)
    return max(apart.values()) <= 1e-5 and np.allclose(
        left.losses, right.losses, rtol=1e-5, atol=1e-7
    )


def sparse(shape: Shape, count: int) -> Array:
    """Return images with values from 0 to 255, most of whose pixels are zero."""
    rng = np.random.default_rng(3)
    X = rng.integers(1, 256, (count, *shape)).astype(np.uint8)
    return X * (rng.random(X.shape) < 0.2).astype(np.uint8)
