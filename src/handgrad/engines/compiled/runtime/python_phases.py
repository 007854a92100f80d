"""Runs plans in which some phases call Python, because a layer or a loss has no kernel."""

from __future__ import annotations

import logging

from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.thread_pool import run_uninterruptible
from handgrad.train_config import TrainConfig


def run_phase_by_phase(program: Program, count: int, seed: int) -> bool:
    """Run training steps in which some phases call Python. Ctrl-C takes effect between steps.

    Args:
        program: the program.
        count: the number of steps.
        seed: the seed of the run, which dropout uses.

    Returns:
        True if all steps ran, or False if a step produced a non-finite value.
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
    """Log one warning that names the layers, loss and optimizer of a plan without kernels.

    Args:
        plan: the plan.
        config: the configuration with the loss and the optimizer.
        warned: the names mentioned in earlier warnings. The names in new warnings are added to this
            set.
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
            "handgrad: compiled engine: no kernel for %s; these run in Python, which is slower",
            ", ".join(new),
        )
