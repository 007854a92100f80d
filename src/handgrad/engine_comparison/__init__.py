"""Engine comparison: engines train in lock-step, from the same weights, on the same batches.

After each step all results are compared in the order of their computation, so the first tensor
that differs shows where the error is.

A batch may sit on a kink: two pixels of a max pooling are so nearly equal that rounding decides
which one is larger, and so where the gradient goes. Such a batch tells nothing about the engines.
It is recognized because the first engine's own gradients change as much when its weights are
perturbed in their last digits. It is skipped; the tolerance stays the same.
"""

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
    "EngineSummary",
    "compare_engines",
]
