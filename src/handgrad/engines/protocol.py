"""The protocol for engines, which run the training steps of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import EpochAugmentation
from handgrad.layers import Array


class BatchStream(NamedTuple):
    """The images of a training run and the order in which batches are made from them.

    Attributes:
        images: all images, (M, C, H, W), as uint8 or floating-point numbers.
        labels: the class of each image, (M,), whole numbers from 0 to K-1.
        weights: the weight of each image, (M,), or None for equal weights.
        order: the indices of the images in the order of training, (N,), whole numbers from 0 to
            M-1.
        size: the batch size; the last batch may be smaller.
        lrs: the learning rate of each batch.
        augment: the augmentation applied to the images, or None for no augmentation.
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
        """Yield the images, labels, weights and learning rate of each batch, in order."""
        starts = range(0, len(self.order), self.size)
        for at, lr in zip(starts, self.lrs, strict=True):
            chosen = self.order[at : at + self.size]
            weights = None if self.weights is None else self.weights[chosen]
            yield self.taken(chosen), self.labels[chosen], weights, lr

    def taken(self, chosen: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return the images with the given indices, after any augmentation."""
        images = self.images[chosen]
        return images if self.augment is None else self.augment.apply(images, chosen)


class StepResults(NamedTuple):
    """The results of a series of training steps: arrays with one number per batch.

    Attributes:
        losses: the loss of each batch before its update, float64.
        correct: the number of correctly classified images in each batch before its update.
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.int64]


class Trace(NamedTuple):
    """The intermediate results of one training step.

    Attributes:
        activations: the output of each layer, keyed by the layer's name, such as "2 (Dense)".
        flows: the gradient with respect to each layer's input (dX), if it was computed, keyed by
            the layer's name. The key "loss" holds the gradient with respect to the logits.
        gradients: the gradient of each parameter, keyed by the parameter's name.
    """

    activations: dict[str, Array]
    flows: dict[str, Array]
    gradients: dict[str, Array]


@runtime_checkable
class Engine(Protocol):
    """Runs the training steps of one network, and keeps the optimizer's state between them.

    Attributes:
        steps: the number of updates made so far.
        optimizer_state: the optimizer's arrays, keyed by the parameter's name and then by the
            array's name. For example, optimizer_state["0.weight"]["velocity"] is the velocity of
            that weight.
    """

    steps: int
    optimizer_state: dict[str, dict[str, Array]]

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update; return the loss and number of correct predictions before the update.

        Raises:
            DivergenceError: if a value is not finite. The network's arrays are then unchanged,
                unless the update itself overflowed.
        """
        ...

    def run(self, batches: BatchStream) -> StepResults:
        """Update once per batch, and return each batch's loss and number of correct predictions."""
        ...

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        ...


@runtime_checkable
class Inspectable(Engine, Protocol):
    """An engine that can return the intermediate results of a training step."""

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return the intermediate results of the next training step without making an update."""
        ...
