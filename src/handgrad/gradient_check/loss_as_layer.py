"""A loss wrapped as a layer, so that the gradient check can treat it like one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.layers import Array, Context, Params, Shape
from handgrad.layers.layer import Cache
from handgrad.losses import Loss


@dataclass(frozen=True)
class LossAsLayer:
    """A loss whose labels and example weights are drawn with the context's seed.

    Y = L(Z)        Z (N, K) logits   Y (1,)        dZ = dY · L'(Z)
    """

    loss: Loss
    weighted: bool = False

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters and an empty shape, because the loss is one number per batch."""
        return {}, ()

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """Z (N, K) -> L (1,)."""
        value, dZ = self.loss(X, *self.sample_labels(X.shape, ctx))
        return np.array([value]), dZ

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DL (1,) -> dZ (N, K)."""
        return cache * dY, {}

    def sample_labels(self, shape: Shape, ctx: Context) -> tuple[Array, Array | None]:
        """Draw the labels y (N,), and the example weights (N,) if the loss is weighted."""
        (N, K), rng = shape, np.random.default_rng((ctx.seed, 3))
        y = rng.integers(0, K, N)
        return y, rng.uniform(0.1, 3.0, N) if self.weighted else None
