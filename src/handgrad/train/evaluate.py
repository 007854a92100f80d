"""Evaluates a network on a test set: loss, accuracy and confusion matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.classifier import Classifier, network_of
from handgrad.data import Dataset
from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        loss: the mean loss.
        confusion: the confusion matrix, (K, K) integers; element [i, j] is the number of images of
            class i that were classified as class j.
        classes: the class names; if empty, the indices 0 to K-1 are used.
    """

    loss: float
    confusion: NDArray[np.int64]
    classes: tuple[Label, ...] = ()

    @property
    def count(self) -> int:
        """The number of images that were evaluated."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """The number of images that were classified correctly."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The fraction of the images that were classified correctly, 0 to 1."""
        return self.correct / self.count

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.2%} ({self.correct:,} of {self.count:,} correct), "
            f"loss {self.loss:.4f}"
        )

    def __repr__(self) -> str:
        return f"Evaluation({self})"

    def _repr_html_(self) -> str:
        from handgrad.html import confusion, paragraph  # it imports Pillow

        classes = self.classes or range(len(self.confusion))
        return paragraph(str(self)) + confusion(self.confusion, classes)


def evaluate(
    model: Network | Classifier,
    test: Dataset,
    *,
    loss: Loss = SoftmaxCrossEntropy(),
    logits: Callable[[NDArray[Any]], Array] | None = None,
) -> Evaluation:
    """Evaluate a network on a data set, and return the loss, accuracy and confusion matrix.

    Args:
        model: the network or classifier.
        test: images that the network was not trained on.
        loss: the loss function.
        logits: a function that computes the logits of images, or None to use the network.

    Raises:
        DataError: if the classes or images of the data set do not fit the network.
        ModelError: if `model` is neither a Network nor a Classifier.
    """
    check_classes(model, test)
    net = network_of(model)
    images = model.pixels(test) if isinstance(model, Classifier) else test.images
    Z = (logits or net.logits)(images)
    value, _ = loss(Z, test.labels)
    K = net.classes
    cells = test.labels * K + Z.argmax(axis=1)
    return Evaluation(value, np.bincount(cells, minlength=K * K).reshape(K, K), test.classes)


def check_dataset(data: object) -> None:
    """Raise a DataError unless the argument is a Dataset."""
    if not isinstance(data, Dataset):
        kind = type(data).__name__
        raise DataError(
            f"expected a Dataset, not a {kind}; make one: Dataset.from_arrays(images, labels)"
        )


def check_classes(model: Network | Classifier, data: Dataset) -> None:
    """Raise a DataError unless the classes and images of a data set fit a model.

    A classifier must have the same class names as the data set. A network must have the same number
    of classes.
    """
    net = network_of(model)
    check_dataset(data)
    if isinstance(model, Classifier) and data.classes != model.classes:
        raise DataError(
            f"{data.name} has the classes {_some(data.classes)}, but the classifier has "
            f"{_some(model.classes)}; use data with the same classes, or build the classifier with "
            "hg.Classifier.for_data(layers, train)"
        )
    if len(data.classes) != net.classes:
        raise DataError(
            f"{data.name} has {len(data.classes)} classes, but the network has {net.classes}; "
            "build the network with classes=len(train.classes)"
        )
    if isinstance(model, Classifier):
        model.pixels(data)
    else:
        net.as_images(data.images)


def scaled_for(model: Network | Classifier, data: Dataset) -> Dataset:
    """Return a data set whose images are scaled as the training images of a classifier.

    Raises:
        DataError: if the images cannot be scaled, or have another size than the network's input.
    """
    if not isinstance(model, Classifier) or (X := model.pixels(data)) is data.images:
        return data
    return replace(data, images=X, pixel_range=model.pixel_range or data.pixel_range)


def _some(labels: tuple[Any, ...]) -> str:
    """Return a text with the first few labels and the number of labels."""
    few = ", ".join(map(repr, labels[:3])) + (", ..." if len(labels) > 3 else "")
    return f"{few} ({len(labels)})"
