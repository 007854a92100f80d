"""Published mistakes in a backward pass, each in a layer (or the loss) that is right otherwise.

Each docstring shows the right formula and the wrong one. `handgrad.gradcheck` names each mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from handgrad.layers import (
    Array,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Params,
    ReLU,
    Shape,
    SiLU,
)
from handgrad.layers.layer import Cache
from handgrad.losses import Loss, SoftmaxCrossEntropy


@dataclass(frozen=True)
class TransposedDense(Dense):
    """A square linear layer: a transposed dW has the right shape, so that no error is raised.

    right: dW = dYᵀ X
    wrong: dW = Xᵀ dY
    """

    def gradients(self, params: Params, cache: Cache, dY: Array) -> Params:
        """DY (N, O) -> dW transposed, db (O,)."""
        X = cache
        return {"weight": X.T @ dY, "bias": dY.sum(axis=0)}


@dataclass(frozen=True)
class SumInsteadOfMean(SoftmaxCrossEntropy):
    """The loss is a mean over the N examples, but its gradient is that of their sum.

    right: dZ = (p − onehot(y)) / N
    wrong: dZ = p − onehot(y)
    """

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        """Return the loss, and N times its gradient with respect to the logits."""
        loss, dZ = super().__call__(Z, y, weights)
        return loss, dZ * len(Z)


@dataclass(frozen=True)
class ReLUWithoutMask(ReLU):
    """The gradient passes through every unit, also where the output is zero.

    right: dX = dY where X > 0, else 0
    wrong: dX = dY
    """

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DY -> dX, the same array."""
        return dY, {}


@dataclass(frozen=True)
class MaxPoolWithoutMask(MaxPool2d):
    """The gradient goes to every pixel of a window, not only to the largest one.

    right: dX = dY at the largest pixel of the window, else 0
    wrong: dX = dY at every pixel of the window
    """

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DY (N, C, rows, columns) -> dX (N, C, H, W), for windows that cover the image exactly."""
        size = self.kernel if isinstance(self.kernel, int) else self.kernel[0]
        return dY.repeat(size, axis=2).repeat(size, axis=3), {}


@dataclass(frozen=True)
class BatchNormWithConstants(BatchNorm):
    """The mean and the variance of the batch are treated as constants.

    right: dX = γ/σ · (dY − mean(dY) − X̂ · mean(dY X̂))
    wrong: dX = γ/σ · dY
    """

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DY (N, F) -> dX (N, F), dγ (F,), dβ (F,)."""
        _, gradients = super().backward(params, cache, dY)
        std = cache[3]
        return dY * (params["weight"] / std), gradients


@dataclass(frozen=True)
class SiLUWithoutProductRule(SiLU):
    """X·σ(X) is a product of two functions of X, but only the first factor is differentiated.

    right: dX = dY · (σ(X) + X σ'(X))
    wrong: dX = dY · σ(X)
    """

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """DY -> dX, the same shape."""
        _, S = cache
        return dY * S, {}


class Mistake(NamedTuple):
    """A mistake, and a small network in which it can be tried.

    Attributes:
        wrong: the layer or the loss with the mistake.
        right: the one without it.
        shape: the shape of one example for the gradient check.
        cause: the name that the gradient check must give to the mistake.
        layers: given the layer, returns the layers of the network.
    """

    wrong: Layer | Loss
    right: Layer | Loss
    shape: Shape
    cause: str
    layers: Callable[[Layer], list[Layer]]

    @property
    def title(self) -> str:
        """One sentence that says what is wrong."""
        return (type(self.wrong).__doc__ or "").partition("\n")[0]

    def formula(self, which: str) -> str:
        """Return the "right" or the "wrong" formula in the docstring."""
        lines = (type(self.wrong).__doc__ or "").splitlines()
        mark = f"{which}: "
        return next(
            line.strip().removeprefix(mark) for line in lines if line.strip().startswith(mark)
        )

    def network(self, *, is_wrong: bool) -> tuple[list[Layer], Loss]:
        """Return the layers and the loss of the network, with or without the mistake."""
        part = self.wrong if is_wrong else self.right
        if isinstance(part, Loss):
            return self.layers(ReLU()), part
        return self.layers(part), SoftmaxCrossEntropy()


UNITS = 32


def _hidden_layers(*middle: Layer) -> list[Layer]:
    """Return a network with two hidden layers, each followed by the given layers."""
    return [Flatten(), Dense(UNITS), *middle, Dense(UNITS), *middle, Dense()]


MISTAKES: dict[str, Mistake] = {
    "transposed": Mistake(
        TransposedDense(UNITS),
        Dense(UNITS),
        (UNITS,),
        "transposed",
        lambda layer: [Flatten(), Dense(UNITS), ReLU(), layer, ReLU(), Dense()],
    ),
    "missing-n": Mistake(
        SumInsteadOfMean(),
        SoftmaxCrossEntropy(),
        (5,),
        "missing 1/N",
        _hidden_layers,
    ),
    "relu-mask": Mistake(ReLUWithoutMask(), ReLU(), (7,), "derivative missing", _hidden_layers),
    "pool-mask": Mistake(
        MaxPoolWithoutMask(2),
        MaxPool2d(2),
        (2, 6, 4),
        "mask ignored",
        lambda layer: [Conv2d(8, 3, padding=1), ReLU(), layer, Flatten(), Dense()],
    ),
    "batch-norm": Mistake(
        BatchNormWithConstants(),
        BatchNorm(),
        (5,),
        "statistics as constants",
        lambda layer: _hidden_layers(layer, ReLU()),
    ),
    "product-rule": Mistake(SiLUWithoutProductRule(), SiLU(), (7,), "product rule", _hidden_layers),
}
