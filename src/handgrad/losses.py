"""Loss functions, each of which measures the error of a batch of logits as a single number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from handgrad.errors import ConfigError, DataError
from handgrad.layers import Array


@runtime_checkable
class Loss(Protocol):
    """A loss function: a function of the logits, together with its derivative."""

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        """Return the loss of a batch, and dZ, its gradient with respect to the logits."""
        ...

    def weigh(self, y: Array, weights: Array | None, classes: int) -> Array:
        """Return the weight of each example, (N,); the sum of all is the weight of the batch."""
        ...


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one function, which avoids overflow and the logarithm of zero.

    log p = Z − log Σₖ exp Zₖ        Z (N, K) logits, y (N,) classes 0..K−1

    q = (1 − ε) onehot(y) + ε/K      L = Σₙ wₙ (−Σₖ qₙₖ log pₙₖ) / Σₙ wₙ

    dZ = wₙ (p − q) / Σₙ wₙ

    The maximum of each row is subtracted from Z first, which changes neither p nor the loss.
    A batch whose weights are all zero has L = 0 and dZ = 0.

    Attributes:
        label_smoothing: ε, the fraction of each target that is spread over all classes, see C.
            Szegedy et al. 2016, "Rethinking the Inception architecture", section 7.
        class_weights: one weight per class, which multiplies the weight of each example of that
            class; or None for equal weights.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(
                f"label_smoothing must be at least 0 and below 1, not {self.label_smoothing}"
            )
        for weight in self.class_weights or ():
            if not 0 <= weight < math.inf:
                raise ConfigError(f"class_weights must be numbers of at least 0, not {weight}")

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        """Return the loss of a batch, and dZ (N, K), its gradient with respect to the logits.

        Args:
            Z: logits, (N, K).
            y: the labels, (N,) integers 0..K−1.
            weights: one weight per example, (N,), or None for equal weights.

        Raises:
            DataError: if y or the weights do not fit Z.
            ConfigError: if the number of class weights is not K.
        """
        N, K = Z.shape
        check_labels(y, N, K)
        log_p = log_softmax(Z)
        q = np.full((N, K), self.label_smoothing / K, Z.dtype)
        q[np.arange(N), y] += 1 - self.label_smoothing

        w = self.weigh(y, weights, K).astype(Z.dtype)
        w /= w.sum() or 1

        loss = -np.sum(w * np.sum(q * log_p, axis=1))
        return float(loss), w[:, None] * (np.exp(log_p) - q)

    def value(self, Z: Array, y: Array) -> float:
        """Return the loss L of a batch with equal weights, without its gradient.

        Args:
            Z: logits, (N, K).
            y: the labels, (N,) integers 0..K−1.

        Raises:
            DataError: if y does not fit Z.
        """
        N, K = Z.shape
        if self.label_smoothing or self.class_weights:
            return self(Z, y)[0]
        check_labels(y, N, K)
        log_p = log_softmax(Z)[np.arange(N), y]
        return -float(log_p.sum(dtype=np.float64)) / (N or 1)

    def weigh(self, y: Array, weights: Array | None, classes: int) -> Array:
        """Return the weights wₙ of the examples, (N,), before they are divided by their sum.

        Args:
            y: the labels, (N,) integers 0..K−1.
            weights: one weight per example, (N,), or None for equal weights.
            classes: K.

        Raises:
            DataError: if the weights do not fit y.
            ConfigError: if the number of class weights is not K.
        """
        w = np.ones(len(y)) if weights is None else weights
        if w.shape != y.shape or not ((w >= 0) & (w < math.inf)).all():
            raise DataError(f"weights must be {len(y)} numbers of at least 0, one per image")
        if self.class_weights is None:
            return w
        if len(self.class_weights) != classes:
            count = len(self.class_weights)
            raise ConfigError(f"there must be {classes} class_weights, one per class, not {count}")
        return w * np.asarray(self.class_weights)[y]


def check_labels(y: Array, N: int, K: int) -> None:
    """Raise a DataError unless y consists of N labels from 0 to K−1 (−1 is not allowed)."""
    if y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise DataError(f"labels must be {N} whole numbers, not an array {y.shape} of {y.dtype}")
    if N and not (y.min() >= 0 and y.max() < K):
        wrong = y.min() if y.min() < 0 else y.max()
        raise DataError(f"labels must be 0 to {K - 1} for {K} logits, found {wrong}")


def log_softmax(Z: Array) -> Array:
    """Return log p (N, K) of logits Z (N, K)."""
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))


def softmax(Z: Array) -> Array:
    """Return the probabilities p (N, K) of logits Z (N, K)."""
    exp = np.exp(Z - Z.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
