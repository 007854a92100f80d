"""What is checked: a layer, or a network taken as one layer, and the points to check it at."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from handgrad.layers import Array, Context, Layer, Params, Shape, has_buffers
from handgrad.params import as_dtype, flatten

SPREAD = 3**0.5  # numbers drawn evenly between -SPREAD and SPREAD have variance 1
WHOLE, SAMPLE = 600, 12  # how many elements of an array are tried one by one


class Point(NamedTuple):
    """One place at which a gradient is judged.

    Attributes:
        params: the layer's arrays.
        X: a batch of examples, (N, ...).
        ctx: training or not, seed and step.
        dY: the cotangent, shaped as the output; the function judged is Σ dY·Y.
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
class Subject:
    """A layer, and the shape of one example that it takes.

    Attributes:
        name: what the report calls it.
        layer: the layer; a network is a `Sequential`.
        shape: one example's, without the batch.
        batch: N, how many examples make a batch.
        arrays: the arrays to judge at; None: fresh ones, moved off their starting values.
        elements: an array of more elements than that has only `SAMPLE` of them tried one by one.
        file: the user's file that the layer is from; None: it is ours.
    """

    name: str
    layer: Layer
    shape: Shape
    batch: int = 5
    arrays: Params | None = None
    elements: int = WHOLE
    file: Path | None = None

    def point(self, seed: int, training: bool) -> Point:
        """Draw arrays, examples and a cotangent, all float64.

        Only evenly spread numbers are drawn, for those come out alike in every NumPy.
        """
        rng = np.random.default_rng((seed, 1))
        params, X, ctx = self.given(rng, seed, training)
        # A forward that writes into what it is given must not have done so before it is judged.
        Y, _ = self.layer.forward(copy.deepcopy(params), X.copy(), ctx)
        return Point(params, X, ctx, rng.uniform(-SPREAD, SPREAD, Y.shape))

    def given(
        self, rng: np.random.Generator, seed: int, training: bool
    ) -> tuple[Params, Array, Context]:
        """Draw what forward is given."""
        if self.arrays is None:
            params, _ = self.layer.init(self.shape, rng)
            params = as_dtype(params, np.dtype(np.float64))
            _stir(params, rng)
        else:
            params = as_dtype(self.arrays, np.dtype(np.float64))
        X = rng.uniform(-SPREAD, SPREAD, (self.batch, *self.shape))
        return params, X, Context(training, seed, step=3)


def gradients(layer: Layer, point: Point) -> dict[str, Array]:
    """Return what backward says: dX as "X", and the gradients of the learned arrays by name."""
    params, X, ctx, dY = point
    _, cache = layer.forward(params, X, ctx)
    dX, found = layer.backward(params, cache, dY)
    return {"X": dX, **flatten(found)}


def places(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the arrays that a gradient is due for: the examples as "X", and the learned ones."""
    buffers = layer.buffers if has_buffers(layer) else ()
    learned = {k: v for k, v in flatten(point.params).items() if k not in buffers}
    return {"X": point.X, **learned}


def _stir(tree: Params, rng: np.random.Generator) -> None:
    """Move all arrays off their starting values, where a forgotten bias would go unseen."""
    for name, array in flatten(tree).items():
        if name.endswith(("running_var", "std")):
            array[...] = rng.uniform(0.5, 2.0, array.shape)
        elif array.ndim < 2 or np.ptp(array) == 0:  # random weights keep their fitting size
            array += rng.uniform(-0.5, 0.5, array.shape)
