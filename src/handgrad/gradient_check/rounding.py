"""The oracle "float32": compare our gradients in float32 with autograd in float64.

The accuracy that float32 can reach depends on the point: a batch norm over nearly equal examples,
or a sum whose terms cancel, amplifies rounding errors. Therefore the effect of rounding on
autograd's own gradients is measured first, by perturbing the last digits of all numbers in the
forward and backward pass. If the effect is too large, another point is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from handgrad.gradient_check.autograd import autograd, expected_gradients
from handgrad.gradient_check.oracle import Oracle, scale_of
from handgrad.gradient_check.target import Point, Target, gradients
from handgrad.layers import Array, Layer
from handgrad.params import flatten

BOUND = 2e-6
MARGIN = 2.5  # the error may be this many times the effect of rounding
UNITS, REPEATS = 8, 6  # numbers are perturbed by up to UNITS in the last place, REPEATS times
_UNIT = UNITS * float(np.finfo(np.float32).eps)
DRAWS = 40  # the number of points tried


def run_oracle(target: Target, point: Point) -> Oracle:
    """Compare our gradients in float32 with autograd's gradients in float64.

    Points are drawn, starting with the given one, until `BOUND` is at least `MARGIN` times the
    effect of rounding. If there is no such point, the one with the smallest effect is used, and the
    bound is `MARGIN` times that effect.
    """
    best, least = point, np.inf
    for attempt in range(DRAWS):
        drawn = target.point(point.ctx.seed + 1000 * attempt, point.ctx.training)
        single = drawn.cast(np.float32)
        moved = effect_of_rounding(target.layer, single.cast(np.float64))
        if moved < least:
            best, least = single, moved
        if MARGIN * least <= BOUND:
            break
    expected = expected_gradients(target.layer, best.cast(np.float64))
    bound = max(BOUND, MARGIN * least)
    return Oracle("float32", bound, gradients(target.layer, best), expected)


def effect_of_rounding(layer: Layer, point: Point) -> float:
    """Return the relative change of autograd's gradients per unit of float32 rounding error.

    The numbers are perturbed by several units in the last place, and the change is divided by the
    number of units. Such a perturbation crosses every kink or tie that rounding errors could cross.
    """
    right = autograd(layer, point)
    norms = {tensor: float(np.linalg.norm(array)) for tensor, array in right.items()}
    largest = 0.0
    for seed in range(REPEATS):
        with _Perturbing(seed):
            moved = autograd(layer, _perturbed(point, seed))
        largest = max(largest, *(_relative(moved, right, norms, tensor) for tensor in right))
    return largest / UNITS


def _perturbed(point: Point, seed: int) -> Point:
    """Return a copy of a point, perturbed by a few units in the last place of float32."""
    near, rng = point.cast(np.float64), np.random.default_rng(seed)
    for array in (near.X, near.dY, *flatten(near.params).values()):
        array *= 1 + _UNIT * rng.uniform(-1, 1, array.shape)
    return near


def _relative(
    moved: Mapping[str, Array], right: Mapping[str, Array], norms: Mapping[str, float], tensor: str
) -> float:
    """Return the norm of the difference, divided by the norm that `scale_of` returns."""
    difference = float(np.linalg.norm(moved[tensor] - right[tensor]))
    return difference / scale_of(norms, tensor) if difference else 0.0


class _Perturbing(TorchFunctionMode):
    """A PyTorch function mode that randomly perturbs the result of each function.

    The result is multiplied by a factor near 1, which perturbs its gradient too.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call a function, and perturb its result."""
        found = func(*args, **(kwargs or {}))
        if not isinstance(found, Tensor) or not found.requires_grad or found.is_leaf:
            return found
        noise = 2 * torch.rand(found.shape, generator=self._random, dtype=found.dtype) - 1
        return found * (1 + _UNIT * noise)
