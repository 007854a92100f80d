"""Engine comparison: train the same network in several engines, and compare them step by step.

All engines start from the same weights and use the same batches. After each update, all results
are compared in the order of their computation, so the first tensor that differs shows where the
error is.

A batch may lie on a kink: if two pixels in a max-pooling window are nearly equal, rounding errors
determine which one is larger, and thus which one gets the gradient. On such a batch, a difference
between two engines does not mean that one of them is wrong. A kink is recognized by perturbing the
last digits of the first engine's weights: the gradients of this engine then change by about as much
as the engines differ. The batch is skipped; the tolerance stays the same.
"""

from handgrad.engine_comparison.engine_run import EngineRun
from handgrad.engine_comparison.lockstep import TOLERANCES, compare_engines
from handgrad.engine_comparison.result import (
    KINDS,
    Difference,
    Divergence,
    EngineComparison,
    EngineSummary,
)

__all__ = [
    "KINDS",
    "TOLERANCES",
    "Difference",
    "Divergence",
    "EngineComparison",
    "EngineRun",
    "EngineSummary",
    "compare_engines",
]
