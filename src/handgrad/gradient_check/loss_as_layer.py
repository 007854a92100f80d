"""A loss as a layer, so that the same check judges it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import Array, Context, Params, Shape
from handgrad.layers.layer import Cache
from handgrad.losses import Loss


@dataclass(frozen=True)
class OfLoss:
    """A loss with classes and weights drawn from the context's seed.

    Y = L(Z)        Z (N, K) logits   Y (1,)        dZ = dY · L'(Z)
    """

    loss: Loss
    weighted: bool = False

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and no shape for one example: the loss is one number for all."""
        return {}, ()

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """Z (N, K) -> L (1,)."""
        value, dZ = self.loss(X, *self.drawn(X.shape, ctx))
        return np.array([value]), dZ

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DL (1,) -> dZ (N, K)."""
        return cache * dY, {}

    def drawn(self, shape: Shape, ctx: Context) -> tuple[Array, Array | None]:
        """Return the classes y (N,), and example weights (N,) where they are wanted."""
        (N, K), rng = shape, np.random.default_rng((ctx.seed, 3))
        y = rng.integers(0, K, N)
        return y, rng.uniform(0.1, 3.0, N) if self.weighted else None
