"""The protocol of an engine, which runs the training steps of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import EpochAugmentation
from handgrad.layers import Array


class BatchStream(NamedTuple):
    """Images and the order in which they are trained on, batch by batch.

    Attributes:
        images: all images, (M, C, H, W), uint8 or floating point.
        labels: their classes, (M,) whole numbers 0..K-1.
        weights: one weight for each image, (M,); None: equal weights.
        order: the indices of the images, (N,) whole numbers below M.
        size: the batch size; the last batch may be smaller.
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
        """Yield the images, labels, weights and learning rate of each batch in order."""
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
    """The results of training steps, one number for each batch.

    Attributes:
        losses: the loss before the update, float64.
        correct: the number of correctly classified images before the update.
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.int64]


class Trace(NamedTuple):
    """The intermediate results of one training step.

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
    """Run training steps of one network, and keep the optimizer's state between them.

    Attributes:
        steps: the number of updates made so far.
        optimizer_state: the optimizer's arrays by name: optimizer_state["0.weight"]["velocity"].
    """

    steps: int
    optimizer_state: dict[str, dict[str, Array]]

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and the number of correct images before it.

        Raises:
            DivergenceError: if a number is not finite. The update is not made, unless it overflows
                itself.
        """
        ...

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return the losses and the correct counts."""
        ...

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W) at inference."""
        ...


@runtime_checkable
class Inspectable(Engine, Protocol):
    """An engine that can return the intermediate results of a training step."""

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return the intermediate results of the next training step, without making it."""
        ...
