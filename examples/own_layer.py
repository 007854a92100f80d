"""Define a softplus layer, check its gradient with central differences, and train with it.

Y = log(1 + eˣ)        dX = dY · 1/(1 + e⁻ˣ)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import handgrad as hg
from handgrad.layers import Array, Context, Params, Shape


@dataclass(frozen=True)
class Softplus:
    """Softplus, a smooth version of ReLU."""

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters and the unchanged shape."""
        return {}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        """X of any shape -> Y of the same shape."""
        return np.logaddexp(0, X), X

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        """dY -> dX of the same shape."""
        X = cache
        return dY / (1 + np.exp(-X)), {}


def check(layer: Softplus, size: int = 100, h: float = 1e-5) -> float:
    """Return the relative error of `backward`, compared with central differences."""
    rng = np.random.default_rng(0)
    X, dY = rng.normal(size=(2, 1, size))
    _, cache = layer.forward({}, X, Context())
    dX, _ = layer.backward({}, cache, dY)
    above, _ = layer.forward({}, X + h, Context())
    below, _ = layer.forward({}, X - h, Context())
    difference = dY * (above - below) / (2 * h)
    return float(np.linalg.norm(dX - difference) / np.linalg.norm(difference))


error = check(Softplus())
print(f"error against central differences: {error:.1e}")
assert error < 1e-8, "the gradient is wrong"

train, test = hg.load_data("digits")
layers = [hg.Flatten(), hg.Dense(32), Softplus(), hg.Dense()]
model = hg.Classifier.for_data(layers, train, seed=0)
hg.fit(model, train, epochs=10, optimizer=hg.Adam(0.01), engine="reference")
found = hg.evaluate(model, test)
print(found)
assert found.accuracy > 0.92, "the network has not learned"
