"""A target of the gradient check, and the points at which its gradients are checked."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from handgrad.layers import Array, Context, Layer, Params, Shape, has_buffers
from handgrad.params import as_dtype, flatten

SPREAD = 3**0.5  # uniform numbers between -SPREAD and SPREAD have variance 1
ALL_ELEMENTS, SAMPLE = 600, 12  # up to ALL_ELEMENTS, each is checked; of larger arrays, SAMPLE


class Point(NamedTuple):
    """A point at which gradients are checked: the arguments of forward and backward.

    Attributes:
        params: the layer's parameters and buffers.
        X: a batch of examples, (N, ...).
        ctx: the mode (training or inference), the seed and the step.
        dY: the cotangent, with the shape of the output; the function Σ dY·Y is differentiated.
    """

    params: Params
    X: Array
    ctx: Context
    dY: Array  # noqa: N815 (the field's name for it)

    def cast(self, dtype: DTypeLike) -> Point:
        """Return a copy of the point in another floating-point precision."""
        X, dY = self.X.astype(dtype), self.dY.astype(dtype)
        return Point(as_dtype(self.params, np.dtype(dtype)), X, self.ctx, dY)


@dataclass(frozen=True)
class Target:
    """A layer to check, with the shape of its input.

    Attributes:
        name: the target's name in reports.
        layer: the layer; a network is represented by a `Sequential`.
        shape: the shape of one example, without the batch axis.
        batch: the number of examples in a batch, N.
        arrays: the parameters and buffers to use, or None to initialize and then perturb them.
        elements: the size up to which every element of an array is checked separately; in a larger
            array, only `SAMPLE` elements are checked.
        file: the user's file that defines the layer, or None for a layer of handgrad.
    """

    name: str
    layer: Layer
    shape: Shape
    batch: int = 5
    arrays: Params | None = None
    elements: int = ALL_ELEMENTS
    file: Path | None = None

    def point(self, seed: int, training: bool) -> Point:
        """Draw a point: arrays, examples and a cotangent, all in float64.

        All numbers are drawn from uniform distributions, because every version of NumPy draws the
        same numbers from them.
        """
        rng = np.random.default_rng((seed, 1))
        params, X, ctx = self.sample_inputs(rng, seed, training)
        # Copies, because a wrong forward may write into its arguments.
        Y, _ = self.layer.forward(copy.deepcopy(params), X.copy(), ctx)
        return Point(params, X, ctx, rng.uniform(-SPREAD, SPREAD, Y.shape))

    def sample_inputs(
        self, rng: np.random.Generator, seed: int, training: bool
    ) -> tuple[Params, Array, Context]:
        """Draw the arguments of forward."""
        if self.arrays is None:
            params, _ = self.layer.init(self.shape, rng)
            params = as_dtype(params, np.dtype(np.float64))
            _perturb(params, rng)
        else:
            params = as_dtype(self.arrays, np.dtype(np.float64))
        X = rng.uniform(-SPREAD, SPREAD, (self.batch, *self.shape))
        return params, X, Context(training, seed, step=3)


def gradients(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the gradients that backward computes, by name; the gradient dX has the name "X"."""
    params, X, ctx, dY = point
    _, cache = layer.forward(params, X, ctx)
    dX, found = layer.backward(params, cache, dY)
    return {"X": dX, **flatten(found)}


def differentiable(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the arrays that must have a gradient: the parameters, and the examples as "X"."""
    buffers = layer.buffers if has_buffers(layer) else ()
    parameters = {k: v for k, v in flatten(point.params).items() if k not in buffers}
    return {"X": point.X, **parameters}


def _perturb(params: Params, rng: np.random.Generator) -> None:
    """Perturb the initial values; otherwise, the omission of a zero bias would go unnoticed."""
    for name, array in flatten(params).items():
        if name.endswith(("running_var", "std")):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        elif array.ndim < 2 or np.ptp(array) == 0:  # random weights keep their scale
            array += rng.uniform(-0.5, 0.5, array.shape)
