"""The oracle float32: our gradients in float32 against autograd in float64.

The accuracy that float32 can reach depends on the point: a batch norm of nearly equal examples, or
a sum whose terms cancel, amplifies rounding. So the effect of rounding on autograd's own gradients
is measured first: all numbers of the forward and backward pass are perturbed in their last digits.
Where this effect is too large, another point is drawn.
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
    """Return autograd's gradients in float64, to compare with ours in float32.

    They are compared at this point, or at the next point where rounding moves every gradient so
    little that `BOUND` is at least `MARGIN` times the effect. If there is none, the point with
    the smallest effect is used; the bound is then `MARGIN` times this effect.
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
    """Return by how much one unit in float32's last place moves autograd's gradients, relatively.

    The numbers are perturbed by several units, and the result is divided by as many: so a kink or
    a tie that rounding could cross is crossed, and shows.
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
    """Return a point whose numbers differ by some units of float32's last place."""
    near, rng = point.cast(np.float64), np.random.default_rng(seed)
    for array in (near.X, near.dY, *flatten(near.params).values()):
        array *= 1 + _UNIT * rng.uniform(-1, 1, array.shape)
    return near


def _relative(
    moved: Mapping[str, Array], right: Mapping[str, Array], norms: Mapping[str, float], tensor: str
) -> float:
    """Return the norm of a difference, relative to the scale of this gradient's errors."""
    difference = float(np.linalg.norm(moved[tensor] - right[tensor]))
    return difference / scale_of(norms, tensor) if difference else 0.0


class _Perturbing(TorchFunctionMode):
    """A mode in which the result of each PyTorch function is perturbed at random.

    The result is multiplied by a factor near 1, so its gradient is perturbed too.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call a function, and perturb the numbers that it returns."""
        found = func(*args, **(kwargs or {}))
        if not isinstance(found, Tensor) or not found.requires_grad or found.is_leaf:
            return found
        noise = 2 * torch.rand(found.shape, generator=self._random, dtype=found.dtype) - 1
        return found * (1 + _UNIT * noise)
