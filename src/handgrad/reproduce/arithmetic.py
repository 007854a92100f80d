"""The arithmetic of the published notebooks: plain NumPy, one layer after another, float64.

Every step makes new arrays, the labels are one-hot, each gradient is kept by name and applied at
the end. It is here to be timed beside ours, and its errors are left out: those of each notebook
are in that notebook's file.
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

KNOWN = (Normalize, Flatten, Dense, BatchNorm, ReLU, LeakyReLU)


class Arithmetic:
    """Linear layers with their activations and batch norm, trained by gradient descent.

    Args:
        net: the network to begin with; its arrays are copied.
        inputs: what reaches its first linear layer, (M, ...).
        labels: the classes, (M,) whole numbers.
        lr: the learning rate, of gradients that are means over the batch.
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
        """Make one update for each batch of places, and return the mean loss before them."""
        total, count = 0.0, 0
        for batch in batches:
            total += self.step(self.X[batch], self.onehot[batch]) * len(batch)
            count += len(batch)
        return total / count

    def step(self, X: Array, onehot: Array) -> float:
        """Make one update, and return the loss before it."""
        inputs = []
        for layer, arrays in self.layers:
            inputs.append(X)
            X = forward(layer, arrays, X)
        exp = np.exp(X - np.max(X, axis=1, keepdims=True))
        p = exp / np.sum(exp, axis=1, keepdims=True)
        loss = -np.sum(onehot * np.log(np.clip(p, 1e-300, 1.0))) / len(X)

        gradients = []
        dY = (p - onehot) / len(X)
        for (layer, arrays), X in zip(reversed(self.layers), reversed(inputs), strict=True):
            dY, found = backward(layer, arrays, X, dY)
            gradients.append((arrays, found))
        for arrays, found in gradients:
            for name, gradient in found.items():
                arrays[name] = arrays[name] - self.lr * gradient
        return float(loss)

    def logits(self, X: Array) -> Array:
        """Return the logits (N, K) of inputs (N, ...); batch norm takes this batch's statistics."""
        X = X.reshape(len(X), -1).astype(np.float64)
        for layer, arrays in self.layers:
            X = forward(layer, arrays, X)
        return X


def forward(layer: Layer, arrays: Params, X: Array) -> Array:
    """Return a layer's output."""
    if isinstance(layer, Dense):
        return np.dot(X, arrays["weight"].T) + arrays["bias"]
    if isinstance(layer, BatchNorm):
        X_hat = (X - np.mean(X, axis=0)) / np.sqrt(np.var(X, axis=0) + layer.eps)
        return arrays["weight"] * X_hat + arrays["bias"]
    if isinstance(layer, LeakyReLU):
        return np.where(X > 0, X, layer.slope * X)
    return np.maximum(X, 0)


def backward(layer: Layer, arrays: Params, X: Array, dY: Array) -> tuple[Array, Params]:
    """Return the gradients of a layer's input and of its arrays."""
    if isinstance(layer, Dense):
        return np.dot(dY, arrays["weight"]), {"weight": np.dot(dY.T, X), "bias": np.sum(dY, axis=0)}
    if isinstance(layer, BatchNorm):
        std = np.sqrt(np.var(X, axis=0) + layer.eps)
        X_hat = (X - np.mean(X, axis=0)) / std
        centred = dY - np.mean(dY, axis=0) - X_hat * np.mean(dY * X_hat, axis=0)
        learned = {"weight": np.sum(dY * X_hat, axis=0), "bias": np.sum(dY, axis=0)}
        return arrays["weight"] / std * centred, learned
    if isinstance(layer, LeakyReLU):
        return np.where(X > 0, dY, layer.slope * dY), {}
    return dY * (X > 0), {}
