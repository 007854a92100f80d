"""The loss: one number that says how wrong the logits are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError

Array = NDArray[Any]


@runtime_checkable
class Loss(Protocol):
    """A function of the logits, and its derivative."""

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        """Return the loss of a batch, and dZ."""
        ...


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one, so that neither overflows nor takes the log of zero.

    log p = Z − log Σₖ exp Zₖ        Z (N, K) logits, y (N,) classes 0..K−1

    q = (1 − ε) onehot(y) + ε/K      L = Σₙ wₙ (−Σₖ qₙₖ log pₙₖ) / Σₙ wₙ

    dZ = wₙ (p − q) / Σₙ wₙ

    The maximum of each row is subtracted from Z first, which changes neither p nor the loss.

    Attributes:
        label_smoothing: ε, the share of each target that is spread over all classes
            (C. Szegedy et al. 2016, "Rethinking the Inception architecture", section 7).
        class_weights: one weight for each class; an example counts by that of its class, times
            its own.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(
                f"label_smoothing must be at least 0 and below 1, not {self.label_smoothing}"
            )

    def __call__(self, Z: Array, y: Array, weights: Array | None = None) -> tuple[float, Array]:
        """Return the loss of a batch, and dZ (N, K).

        Args:
            Z: logits, (N, K).
            y: the classes, (N,) whole numbers 0..K−1.
            weights: one weight for each example, (N,); None: all the same.
        """
        N, K = Z.shape
        log_p = log_softmax(Z)
        q = np.full((N, K), self.label_smoothing / K, Z.dtype)
        q[np.arange(N), y] += 1 - self.label_smoothing

        w = np.ones(N, Z.dtype) if weights is None else weights.astype(Z.dtype)
        if self.class_weights is not None:
            w = w * np.asarray(self.class_weights, Z.dtype)[y]
        w = w / w.sum()

        loss = -np.sum(w * np.sum(q * log_p, axis=1))
        return float(loss), w[:, None] * (np.exp(log_p) - q)


def log_softmax(Z: Array) -> Array:
    """Return log p (N, K) of logits Z (N, K)."""
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))


def softmax(Z: Array) -> Array:
    """Return the probabilities p (N, K) of logits Z (N, K)."""
    exp = np.exp(Z - Z.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
