"""What runs in Python inside the compiled engine, for want of a kernel."""

from __future__ import annotations

import logging

from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.train_config import TrainConfig


def name_python(plan: Plan, config: TrainConfig, named: set[str]) -> None:
    """Say which layers, loss and optimizer of a plan have no kernel, each of them once.

    Args:
        plan: the plan.
        config: how it trains.
        named: what was said already; what is said now is added.
    """
    kinds = {
        "loss": f"the loss {type(config.loss).__name__}",
        "update": f"the optimizer {type(config.optimizer).__name__}",
    }
    layers = dict.fromkeys(phase.layer for phase in plan.phases if phase.kind is Kind.PYTHON)
    names = [kinds.get(layer, f"the layer {layer}") for layer in layers]
    new = [name for name in names if name not in named]
    if new:
        named.update(new)
        logging.getLogger("handgrad").warning(
            "handgrad: compiled engine: no kernel for %s: in Python, as the reference engine, "
            "more slowly",
            ", ".join(new),
        )
