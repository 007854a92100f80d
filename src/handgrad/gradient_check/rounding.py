"""Our gradients in float32, before autograd in float64.

What float32 can reach depends on the point: a batch norm of examples that are nearly alike, or a
sum whose terms cancel, makes much of little. So it is measured first what rounding alone does to
autograd's own gradients there: all its numbers, on the way and on the way back, are moved at
random in their last digits. Where that is too much to judge by, another point is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from handgrad.gradient_check.autograd import autograd, testimonies
from handgrad.gradient_check.oracle import Witness, scale_of
from handgrad.gradient_check.target import Point, Subject, gradients
from handgrad.layers import Array, Layer
from handgrad.params import flatten

BOUND = 2e-6
SHARE = 2.5  # the error may be that many times what rounding alone does
UNITS, TIMES = 8, 6  # numbers are moved by up to so many units of float32's last place, so often
_UNIT = UNITS * float(np.finfo(np.float32).eps)
DRAWS = 40  # how many points are looked at for a calm one


def witness(subject: Subject, point: Point) -> Witness:
    """Return what autograd says, in float64, of our gradients in float32.

    They are judged at this point, or at the next one drawn where rounding alone moves every
    gradient so little that the bound is at least `SHARE` times as much. If there is none, at the
    calmest; the bound is then `SHARE` times what rounding does.
    """
    calmest, least = point, np.inf
    for attempt in range(DRAWS):
        drawn = subject.point(point.ctx.seed + 1000 * attempt, point.ctx.training)
        single = drawn.cast(np.float32)
        moved = moved_by_rounding(subject.layer, single.cast(np.float64))
        if moved < least:
            calmest, least = single, moved
        if SHARE * least <= BOUND:
            break
    said = testimonies(subject.layer, calmest.cast(np.float64))
    return Witness("float32", max(BOUND, SHARE * least), gradients(subject.layer, calmest), said)


def moved_by_rounding(layer: Layer, point: Point) -> float:
    """Return how far a unit of float32's last place moves autograd's gradients, as a share.

    The numbers are moved by several units, and the answer divided by as many: so a kink or a tie
    near enough for rounding to cross it is crossed, and shows.
    """
    right = autograd(layer, point)
    norms = {tensor: float(np.linalg.norm(array)) for tensor, array in right.items()}
    largest = 0.0
    for seed in range(TIMES):
        with _Rounding(seed):
            moved = autograd(layer, _moved(point, seed))
        largest = max(largest, *(_share(moved, right, norms, tensor) for tensor in right))
    return largest / UNITS


def _moved(point: Point, seed: int) -> Point:
    """Return a point whose numbers are off by some units of float32's last place."""
    near, rng = point.cast(np.float64), np.random.default_rng(seed)
    for array in (near.X, near.dY, *flatten(near.params).values()):
        array *= 1 + _UNIT * rng.uniform(-1, 1, array.shape)
    return near


def _share(
    moved: Mapping[str, Array], right: Mapping[str, Array], norms: Mapping[str, float], tensor: str
) -> float:
    """Return the norm of a difference, as a share of what errors of this gradient are shares of."""
    difference = float(np.linalg.norm(moved[tensor] - right[tensor]))
    return difference / scale_of(norms, tensor) if difference else 0.0


class _Rounding(TorchFunctionMode):
    """While it is on, whatever a function of PyTorch returns is off by some units, at random.

    It is a factor near 1 that does it, and so the gradient that comes back is off as well.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call a function, and move the numbers that it returns."""
        found = func(*args, **(kwargs or {}))
        if not isinstance(found, Tensor) or not found.requires_grad or found.is_leaf:
            return found
        noise = 2 * torch.rand(found.shape, generator=self._random, dtype=found.dtype) - 1
        return found * (1 + _UNIT * noise)
