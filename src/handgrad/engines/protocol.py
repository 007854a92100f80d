"""What an engine is: something that runs a network's training steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import EpochAugmentation
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss
from handgrad.optim import Optimizer


@dataclass(frozen=True)
class Rules:
    """How an engine is to train: the same for every step.

    Attributes:
        loss: the loss.
        optimizer: the rule that renews the parameters.
        clip_norm: the largest norm that all gradients together may have; None: no limit.
        seed: the run's seed, for dropout.

    Raises:
        ConfigError: where `clip_norm` is not a finite number above 0.
    """

    loss: Loss
    optimizer: Optimizer
    clip_norm: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise ConfigError(f"clip_norm must be a number above 0, not {self.clip_norm}")


class BatchStream(NamedTuple):
    """Images and the order in which a run takes them, some at a time.

    Attributes:
        images: all images, (M, C, H, W), uint8 or floating point.
        labels: their classes, (M,) whole numbers 0..K-1.
        weights: one weight for each image, (M,); None: all the same.
        order: which images, (N,) whole numbers below M, in the order of their turn.
        size: how many make a batch; the last batch may be smaller.
        lrs: the learning rate of each batch.
        augment: how the images are changed before they are learned from; None: not at all.
    """

    images: NDArray[Any]
    labels: NDArray[np.integer[Any]]
    weights: Array | None
    order: NDArray[np.integer[Any]]
    size: int
    lrs: list[float]
    augment: EpochAugmentation | None = None

    def in_turn(
        self,
    ) -> Iterator[tuple[NDArray[Any], NDArray[np.integer[Any]], Array | None, float]]:
        """Yield the images, labels, weights and learning rate of one batch after another."""
        starts = range(0, len(self.order), self.size)
        for at, lr in zip(starts, self.lrs, strict=True):
            chosen = self.order[at : at + self.size]
            weights = None if self.weights is None else self.weights[chosen]
            yield self.taken(chosen), self.labels[chosen], weights, lr

    def taken(self, chosen: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return images at some places, as they are learned from."""
        images = self.images[chosen]
        return images if self.augment is None else self.augment.apply(images, chosen)


class StepResults(NamedTuple):
    """What came out of a run, one number for each batch.

    Attributes:
        losses: the loss before the update, float64.
        right: how many images the network had right before the update.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.int64]


class Trace(NamedTuple):
    """What one training step computes on its way.

    Attributes:
        activations: the output of each layer by its name, such as "2 (Dense)".
        flows: dX of each layer by its name, where it was computed; under "loss" that of the logits.
        gradients: the gradient of each parameter by its name.
    """

    activations: dict[str, Array]
    flows: dict[str, Array]
    gradients: dict[str, Array]


@runtime_checkable
class Engine(Protocol):
    """Runs training steps of one network, and keeps the optimizer's state between them.

    Attributes:
        steps: the number of updates made so far.
        optimizer_state: the optimizer's arrays by name: optimizer_state["0.weight"]["velocity"].
    """

    steps: int
    optimizer_state: dict[str, dict[str, Array]]

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and how many were right, both before it.

        Raises:
            DivergenceError: where a number is not finite. The update is not made, unless it is
                the update itself that overflows.
        """
        ...

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out."""
        ...

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        ...


@runtime_checkable
class Inspectable(Engine, Protocol):
    """An engine that can lay open what it computes on the way."""

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return what the next step would compute on the way; it is not made."""
        ...
