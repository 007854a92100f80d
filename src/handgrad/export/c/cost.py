"""Quantization to int8 with a measurement of what it costs in accuracy and loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.errors import ModelError
from handgrad.export.c.quantize import Quantized
from handgrad.train import evaluate

CALIBRATION_IMAGES = 500  # training images that determine the scales of the activations
MAX_LOSS = 0.5  # percentage points of accuracy


@dataclass(frozen=True)
class Cost:
    """The accuracy and the loss of a classifier before and after quantization.

    Attributes:
        name: which images they were measured on.
        images: the number of images.
        accuracy: the fraction of correct answers, before and after.
        loss: the mean cross-entropy loss, before and after.
    """

    name: str
    images: int
    accuracy: tuple[float, float]
    loss: tuple[float, float]

    @property
    def points(self) -> float:
        """The percentage points of accuracy that are lost; negative if the accuracy is higher."""
        return 100 * (self.accuracy[0] - self.accuracy[1])

    def __str__(self) -> str:
        (before, after), (loss, new_loss) = self.accuracy, self.loss
        return (
            f"{self.name:10} accuracy {before:.2%} -> {after:.2%}, loss {loss:.4f} -> "
            f"{new_loss:.4f}, on {self.images:,} images"
        )


def quantize(
    classifier: Classifier,
    train: Dataset,
    measured_on: dict[str, Dataset],
    max_loss: float = MAX_LOSS,
) -> Quantized:
    """Quantize a classifier's network, and measure what it costs. Its `report` states the costs.

    Args:
        classifier: the classifier.
        train: its training images, some of which determine the scales of the activations.
        measured_on: images that the network was not trained on, by name.
        max_loss: the largest accepted loss of accuracy on any of them, in percentage points.

    Raises:
        ModelError: if the accuracy drops by more, or the network cannot be quantized.
    """
    some = np.linspace(0, len(train) - 1, min(len(train), CALIBRATION_IMAGES)).astype(np.int64)
    quantized = Quantized(classifier.network, classifier.pixels(train.take(some)))
    costs = [_cost(classifier, quantized, name, data) for name, data in measured_on.items()]
    noise = [f"layer {op.path}: noise {op.error:.2%}" for op in quantized.ops]
    quantized.report = [*noise, *map(str, costs)]
    for cost in costs:
        if cost.points > max_loss:
            raise ModelError(
                f"int8 costs {cost.points:.2f} percentage points of accuracy on the {cost.name} "
                f"images, more than the {max_loss:g} of --max-accuracy-loss; export float32 numbers"
            )
    return quantized


def _cost(classifier: Classifier, quantized: Quantized, name: str, data: Dataset) -> Cost:
    pixels = classifier.pixels(data)
    Z, quantized_Z = classifier.logits(data), quantized.logits(pixels)
    before = evaluate(classifier, data, logits=lambda _: Z)
    after = evaluate(classifier, data, logits=lambda _: quantized_Z)
    accuracies = before.accuracy, after.accuracy
    return Cost(name, len(data), accuracies, (before.loss, after.loss))
