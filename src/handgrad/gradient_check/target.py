"""The object of a check: a layer, or a network as one layer, and the points to check it at."""

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
    """One point at which a gradient is checked.

    Attributes:
        params: the layer's arrays.
        X: a batch of examples, (N, ...).
        ctx: training or inference, seed and step.
        dY: the cotangent, shaped like the output; the function differentiated is Σ dY·Y.
    """

    params: Params
    X: Array
    ctx: Context
    dY: Array  # noqa: N815 (the field's name for it)

    def cast(self, dtype: DTypeLike) -> Point:
        """Return the same point in another precision."""
        X, dY = self.X.astype(dtype), self.dY.astype(dtype)
        return Point(as_dtype(self.params, np.dtype(dtype)), X, self.ctx, dY)


@dataclass(frozen=True)
class Target:
    """A layer to check, with the shape of the examples that it takes.

    Attributes:
        name: the name in reports.
        layer: the layer; a network is a `Sequential`.
        shape: the shape of one example, without the batch.
        batch: N, the number of examples in a batch.
        arrays: the arrays to check at; None: newly initialized ones, moved off their initial
            values.
        elements: an array with more elements has only `SAMPLE` of them checked one by one.
        file: the user's file that defines the layer; None: the layer is one of handgrad's.
    """

    name: str
    layer: Layer
    shape: Shape
    batch: int = 5
    arrays: Params | None = None
    elements: int = ALL_ELEMENTS
    file: Path | None = None

    def point(self, seed: int, training: bool) -> Point:
        """Draw arrays, examples and a cotangent, all float64.

        All numbers are uniform, because these are the same in every version of NumPy.
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
    """Return the gradients that backward computes: dX as "X", and those of the parameters."""
    params, X, ctx, dY = point
    _, cache = layer.forward(params, X, ctx)
    dX, found = layer.backward(params, cache, dY)
    return {"X": dX, **flatten(found)}


def differentiable(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the arrays that must have a gradient: the examples as "X", and the parameters."""
    buffers = layer.buffers if has_buffers(layer) else ()
    parameters = {k: v for k, v in flatten(point.params).items() if k not in buffers}
    return {"X": point.X, **parameters}


def _perturb(params: Params, rng: np.random.Generator) -> None:
    """Move all arrays off their initial values: at zero, a forgotten bias would go unnoticed."""
    for name, array in flatten(params).items():
        if name.endswith(("running_var", "std")):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        elif array.ndim < 2 or np.ptp(array) == 0:  # random weights keep their scale
            array += rng.uniform(-0.5, 0.5, array.shape)
