"""The computation of the published notebooks in plain NumPy, as the baseline of the benchmark.

It computes layer by layer in float64: every step allocates new arrays, labels are one-hot encoded,
and the gradients are stored by name and applied at the end. It does not contain the notebooks'
errors, which are in the file of each notebook.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.layers import (
    Array,
    BatchNorm,
    Dense,
    Flatten,
    Layer,
    LeakyReLU,
    Normalize,
    Params,
    ReLU,
)
from handgrad.network import Network

SUPPORTED = (Normalize, Flatten, Dense, BatchNorm, ReLU, LeakyReLU)


class NumpyBaseline:
    """Dense layers with activations and batch norm, trained by gradient descent.

    Args:
        net: the initial network; its arrays are copied.
        inputs: the inputs of the network's first Dense layer, (M, ...).
        labels: the classes, (M,) integers.
        lr: the learning rate, for gradients that are averaged over the batch.
    """

    def __init__(
        self, net: Network, inputs: Array, labels: NDArray[np.integer[Any]], lr: float
    ) -> None:
        self.lr = lr
        self.X = inputs.reshape(len(inputs), -1).astype(np.float64)
        self.onehot = np.eye(net.classes)[labels]
        self.layers = [
            (layer, {name: a.astype(np.float64) for name, a in net.params[str(i)].items()})
            for i, layer in enumerate(net.layers)
            if not isinstance(layer, Normalize | Flatten)
        ]

    def epoch(self, batches: Iterable[NDArray[np.integer[Any]]]) -> float:
        """Make one update per batch of indices, and return the mean loss before the updates."""
        total, count = 0.0, 0
        for batch in batches:
            total += self.step(self.X[batch], self.onehot[batch]) * len(batch)
            count += len(batch)
        return total / count

    def step(self, X: Array, onehot: Array) -> float:
        """Make one update, and return the loss before the update."""
        inputs = []
        for layer, params in self.layers:
            inputs.append(X)
            X = forward(layer, params, X)
        exp = np.exp(X - np.max(X, axis=1, keepdims=True))
        p = exp / np.sum(exp, axis=1, keepdims=True)
        loss = -np.sum(onehot * np.log(np.clip(p, 1e-300, 1.0))) / len(X)

        gradients = []
        dY = (p - onehot) / len(X)
        for (layer, params), X in zip(reversed(self.layers), reversed(inputs), strict=True):
            dY, dparams = backward(layer, params, X, dY)
            gradients.append((params, dparams))
        for params, dparams in gradients:
            for name, gradient in dparams.items():
                params[name] = params[name] - self.lr * gradient
        return float(loss)

    def logits(self, X: Array) -> Array:
        """Compute the logits (N, K) of inputs (N, ...); batch norm uses this batch's statistics."""
        X = X.reshape(len(X), -1).astype(np.float64)
        for layer, params in self.layers:
            X = forward(layer, params, X)
        return X


def forward(layer: Layer, params: Params, X: Array) -> Array:
    """Compute the output of a layer."""
    if isinstance(layer, Dense):
        return np.dot(X, params["weight"].T) + params["bias"]
    if isinstance(layer, BatchNorm):
        X_hat = (X - np.mean(X, axis=0)) / np.sqrt(np.var(X, axis=0) + layer.eps)
        return params["weight"] * X_hat + params["bias"]
    if isinstance(layer, LeakyReLU):
        return np.where(X > 0, X, layer.slope * X)
    return np.maximum(X, 0)


def backward(layer: Layer, params: Params, X: Array, dY: Array) -> tuple[Array, Params]:
    """Compute the gradients of a layer's input and of its parameters."""
    if isinstance(layer, Dense):
        return np.dot(dY, params["weight"]), {"weight": np.dot(dY.T, X), "bias": np.sum(dY, axis=0)}
    if isinstance(layer, BatchNorm):
        std = np.sqrt(np.var(X, axis=0) + layer.eps)
        X_hat = (X - np.mean(X, axis=0)) / std
        centred = dY - np.mean(dY, axis=0) - X_hat * np.mean(dY * X_hat, axis=0)
        dparams = {"weight": np.sum(dY * X_hat, axis=0), "bias": np.sum(dY, axis=0)}
        return params["weight"] / std * centred, dparams
    if isinstance(layer, LeakyReLU):
        return np.where(X > 0, dY, layer.slope * dY), {}
    return dY * (X > 0), {}
