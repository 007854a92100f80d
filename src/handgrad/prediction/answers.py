"""`Prediction`, the answer for one image, and the function that answers for a batch of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from handgrad.calibration import Calibration
from handgrad.class_names import Label
from handgrad.classifier import Classifier
from handgrad.layers import Array
from handgrad.pixel_range import AS_THEY_ARE
from handgrad.prediction.read import Batch

_LEAST = 16  # images that the compiled engine computes at a time


class Prediction(NamedTuple):
    """The answer for one image.

    Attributes:
        image: the path of the image file, or the index of the image.
        label: the known label of the image, or None if it is unknown.
        top: the most probable classes with their probabilities, in descending order; empty if the
            image cannot be read.
        reason: why the answer is "don't know", such as "unsure"; empty if the answer is the most
            probable class.
        error: why the image cannot be read; empty if it can.
    """

    image: str
    label: Label | None
    top: Sequence[tuple[Label, float]]
    reason: str = ""
    error: str = ""

    @property
    def predicted(self) -> Label | None:
        """The most probable class, or None if the image cannot be read."""
        return self.top[0][0] if self.top else None

    @property
    def is_confident(self) -> bool:
        """Whether the answer is the most probable class, and not "don't know"."""
        return bool(self.top) and not self.reason

    @property
    def is_correct(self) -> bool:
        """Whether the most probable class is the known label."""
        return self.label is not None and self.predicted == self.label


def predict_batch(
    classifier: Classifier, batch: Batch, top: int | None, *, one_by_one: bool
) -> list[Prediction]:
    """Classify the images of a batch. The answers do not depend on the division into batches.

    Args:
        classifier: the classifier, whose engine was chosen for the number of all images.
        batch: the images.
        top: the number of most probable classes in a prediction, or None for all classes.
        one_by_one: whether the reference engine answers. It computes one image at a time, because
            the rounding of NumPy's matrix product depends on the number of images.

    Returns:
        One prediction per image of the batch, including the images that cannot be read.
    """
    answers = iter(_answers(classifier, batch, top, one_by_one) if len(batch.images) else [])
    return [
        Prediction(name, label, [], "", error) if error else Prediction(name, label, *next(answers))
        for name, label, error in zip(batch.names, batch.labels, batch.errors, strict=True)
    ]


def _answers(
    classifier: Classifier, batch: Batch, top: int | None, one_by_one: bool
) -> Iterator[tuple[list[tuple[Label, float]], str]]:
    """Yield the most probable classes of each image, and why the answer is "don't know"."""
    X = batch.images
    if one_by_one:
        Z = np.concatenate([_logits(classifier, X[i : i + 1]) for i in range(len(X))])
    else:
        padded = X if len(X) >= _LEAST else X[np.arange(_LEAST) % len(X)]
        Z = _logits(classifier, padded)[: len(X)]
    p = (classifier.calibration or Calibration()).probabilities(Z)
    order = np.argsort(-p, axis=1, kind="stable")[:, :top]
    ranked = np.take_along_axis(p, order, axis=1).tolist()
    reasons = _reasons(classifier, X, Z, batch.problems)
    for row, values, reason in zip(order.tolist(), ranked, reasons, strict=True):
        yield [(classifier.classes[k], value) for k, value in zip(row, values, strict=True)], reason


def _logits(classifier: Classifier, X: Array) -> Array:
    """Return the logits of inputs of the network."""
    return classifier.logits(X, pixel_range=AS_THEY_ARE)


def _reasons(classifier: Classifier, X: Array, Z: Array, problems: Sequence[str]) -> list[str]:
    """Return why the answer for each image is "don't know", or an empty string.

    Args:
        classifier: the classifier.
        X: the images, (N, C, H, W), as inputs of the network.
        Z: their logits, (N, K).
        problems: what the preprocessing found in each image, which takes precedence.
    """
    doubts = classifier.doubt(X, Z, pixel_range=AS_THEY_ARE).tolist()
    return [problem or doubt for problem, doubt in zip(problems, doubts, strict=True)]
