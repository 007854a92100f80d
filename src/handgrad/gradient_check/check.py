"""Compares our gradients with those of all oracles, and tests the oracles on wrong gradients."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.gradient_check import autograd, golden_gradients, large_inputs, linearity
from handgrad.gradient_check import finite_differences as differences
from handgrad.gradient_check.controls import controls, controls_of_zero
from handgrad.gradient_check.diagnosis import Cause, likely_causes
from handgrad.gradient_check.finite_differences import depends_on, every_element
from handgrad.gradient_check.oracle import Oracle, compare_all, negligible
from handgrad.gradient_check.result import Report
from handgrad.gradient_check.target import SAMPLE, Point, Target
from handgrad.gradient_check.user_layer import errors_with_line

MAX_DIAGNOSED = 5000  # the largest batch, in elements, for which a cause is searched


def check(target: Target, *, training: bool = True, seed: int = 0) -> Report:
    """Compare the gradients of a layer or a network with all available oracles.

    Args:
        target: what to check.
        training: True to check training mode, False to check inference mode.
        seed: the seed of the random point at which the gradients are checked.

    Raises:
        ModelError: if no differentiable point was found, or the user's file raises an error.
    """
    errors = errors_with_line(target.file) if target.file else nullcontext()
    with threadpool_limits(1), errors:  # for small products, threads cost more than they save
        return _checked(target, training, seed)


def _checked(target: Target, training: bool, seed: int) -> Report:
    """Run the check and return its report; see `check`."""
    point, oracles = run_oracles(target, training, seed)
    asked = [(point, oracle) for oracle in oracles]
    if all(comparison.ok for oracle in oracles for comparison in compare_all(oracle)):
        asked.append((point, linearity.run_oracle(target, point)))
        if target.elements > SAMPLE:  # of networks, each layer is checked by itself
            asked += large_inputs.run_oracles(target, seed, training)
    comparisons = tuple(comparison for _, oracle in asked for comparison in compare_all(oracle))
    shown = [control for _, oracle in asked for control in controls(oracle)]
    zero = [name for name in negligible(oracles[0]) if not depends_on(target, point, name)]
    shown += [control for oracle in oracles for control in controls_of_zero(oracle, zero)]
    causes = next(filter(None, (_causes(target, *one) for one in asked)), ())
    return Report(target.name, training, comparisons, tuple(shown), causes)


def run_oracles(target: Target, training: bool, seed: int) -> tuple[Point, list[Oracle]]:
    """Draw a random point, and return it with the results of the oracles at this point."""
    point, first = differences.run_oracle(target, training, seed)
    oracles = [first]
    if autograd.is_available() and autograd.has_counterpart(target.layer):
        from handgrad.gradient_check import rounding

        oracles += [autograd.run_oracle(target, point), rounding.run_oracle(target, point)]
    if training and (stored := golden_gradients.run_oracle(target)):
        oracles.append(stored)
    return point, oracles


def _causes(target: Target, point: Point, oracle: Oracle) -> tuple[Cause, ...]:
    """Return the likely causes of the wrong gradients that an oracle found at a point."""
    rejected = [comparison for comparison in compare_all(oracle) if not comparison.ok]
    if oracle.name == linearity.NAME:
        return tuple(linearity.cause(comparison) for comparison in rejected)
    if not rejected or point.X.size > MAX_DIAGNOSED:
        return ()
    wrong = [comparison.tensor for comparison in rejected]
    with np.errstate(all="ignore") if oracle.name == large_inputs.NAME else nullcontext():
        return likely_causes(target.layer, point, every_element(target.layer, point), wrong)
