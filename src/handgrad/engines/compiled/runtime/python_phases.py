"""Runs the phases of a plan that call Python: layers, losses and optimizers without kernels."""

from __future__ import annotations

import logging

from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.thread_pool import run_uninterruptible
from handgrad.train_config import TrainConfig


def run_phase_by_phase(program: Program, count: int, seed: int) -> bool:
    """Run steps of which some phases run in Python. Ctrl-C takes effect between two steps.

    Args:
        program: the program.
        count: the number of steps.
        seed: the run's seed, for dropout.

    Returns:
        True if all steps ran; False if one met a number that is not finite.
    """
    remaining, succeeded = count, True

    def run_step() -> bool:
        nonlocal remaining, succeeded
        succeeded = program.step(seed)
        remaining -= 1
        return succeeded and remaining > 0

    run_uninterruptible(run_step)
    return succeeded


def warn_missing_kernels(plan: Plan, config: TrainConfig, warned: set[str]) -> None:
    """Warn once about each layer, loss and optimizer of a plan that has no kernel.

    Args:
        plan: the plan.
        config: the loss and the optimizer.
        warned: the names that a warning has mentioned already; new ones are added.
    """
    kinds = {
        "loss": f"the loss {type(config.loss).__name__}",
        "update": f"the optimizer {type(config.optimizer).__name__}",
    }
    layers = dict.fromkeys(phase.layer for phase in plan.phases if phase.kind is Kind.PYTHON)
    names = [kinds.get(layer, f"the layer {layer}") for layer in layers]
    new = [name for name in names if name not in warned]
    if new:
        warned.update(new)
        logging.getLogger("handgrad").warning(
            "handgrad: compiled engine: no kernel for %s; these run in Python, more slowly",
            ", ".join(new),
        )
