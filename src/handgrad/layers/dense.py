"""The linear layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.errors import ModelError
from handgrad.init import HeNormal, Initializer
from handgrad.layers.layer import Array, Cache, Context, Params, Shape
from handgrad.layers.registry import register

__all__ = ["Dense"]


@register
@dataclass(frozen=True)
class Dense:
    """A linear layer: each output is a weighted sum of all inputs, plus a bias.

    Y = X Wᵀ + b        X (N, I)   W (O, I)   b (O,)   Y (N, O)

    dX = dY W           dW = dYᵀ X           db = Σₙ dY

    Attributes:
        units: O, the number of outputs, or None for the number of classes of the network.
        initializer: the distribution of the weights; the bias starts at zero.
    """

    units: int | None = None
    initializer: Initializer = HeNormal()

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return weight (O, I), bias (O,), and the output's shape (O,)."""
        if self.units is None:
            raise ModelError("units is not set; only the last Dense of a network may omit it")
        if self.units < 1:
            raise ModelError(f"units must be at least 1, not {self.units}")
        if len(shape) != 1:
            raise ModelError(f"takes flat input (I,), not {shape}; put Flatten() before it")
        weight = self.initializer.sample((self.units, shape[0]), rng)
        return {"weight": weight, "bias": np.zeros(self.units)}, (self.units,)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, I) -> Y (N, O)."""
        Y = X @ params["weight"].T
        Y += params["bias"]
        return Y, X

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """dY (N, O) -> dX (N, I), dW (O, I), db (O,)."""
        return dY @ params["weight"], self.gradients(params, cache, dY)

    def gradients(self, params: Params, cache: Cache, dY: Array) -> Params:
        """dY (N, O) -> dW (O, I), db (O,)."""
        X = cache
        return {"weight": dY.T @ X, "bias": dY.sum(axis=0)}
