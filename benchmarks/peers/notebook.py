"""The arithmetic of the published notebooks: plain NumPy, one layer after another, float64.

Every step makes new arrays, the labels are one-hot, each gradient is kept by name and applied
at the end. Their errors are left out, for all contestants must learn the same.
"""

from __future__ import annotations

import numpy as np

from benchmarks.tasks import Array, Work
from handgrad.layers import BatchNorm, Dense, Flatten, Layer, LeakyReLU, Normalize, ReLU, Tree
from handgrad.optim import SGD

Known = Normalize | Flatten | Dense | BatchNorm | ReLU | LeakyReLU


class Notebook:
    """Linear layers with their activations and batch norm; nothing else was done in NumPy."""

    def __init__(self, work: Work) -> None:
        known = all(isinstance(layer, Known) for layer in work.net.layers)
        if not known or not isinstance(work.task.optimizer, SGD):
            raise NotImplementedError("the notebook used PyTorch for this network")
        self.work, self.lr = work, work.task.optimizer.lr
        self.X = work.inputs.reshape(len(work.inputs), -1).astype(np.float64)
        self.onehot = np.eye(len(work.net.classes))[work.labels]
        self.layers = [
            (layer, {name: a.astype(np.float64) for name, a in work.net.tree[str(i)].items()})
            for i, layer in enumerate(work.net.layers)
            if not isinstance(layer, Normalize | Flatten)
        ]

    def epoch(self, order: Array) -> float:
        """Make one update for each batch of `order`, and return the mean loss before them."""
        total = 0.0
        for batch in self.work.batches(order):
            total += self.step(self.X[batch], self.onehot[batch]) * len(batch)
        return total / len(order)

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


def forward(layer: Layer, arrays: Tree, X: Array) -> Array:
    """Return a layer's output."""
    if isinstance(layer, Dense):
        return np.dot(X, arrays["weight"].T) + arrays["bias"]
    if isinstance(layer, BatchNorm):
        X_hat = (X - np.mean(X, axis=0)) / np.sqrt(np.var(X, axis=0) + layer.eps)
        return arrays["weight"] * X_hat + arrays["bias"]
    if isinstance(layer, LeakyReLU):
        return np.where(X > 0, X, layer.slope * X)
    return np.maximum(X, 0)


def backward(layer: Layer, arrays: Tree, X: Array, dY: Array) -> tuple[Array, Tree]:
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
