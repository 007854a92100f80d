"""Evaluates a network on a test set: loss, accuracy and confusion matrix."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label, as_text
from handgrad.classifier import Classifier, logits_function, network_of
from handgrad.data import Dataset
from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network

_log = logging.getLogger("handgrad")

MIN_IMAGES = 30  # with fewer, chance alone may look like a failed training
_Z95 = 1.959964  # a normal variable is between -z and z with probability 0.95


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

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy: see `accuracy_interval`."""
        return accuracy_interval(self.correct, self.count)

    @property
    def failure(self) -> str:
        """Why these results show that training failed, or "" if they do not.

        Training can fail without any NaN or infinity: the weights become so large that the network
        gives all images the same class, or gives wrong classes with certainty. The reference is the
        best answer that ignores the image: the frequencies of the classes as probabilities, whose
        cross-entropy is H = −Σₖ fₖ log fₖ ≤ log K. The property assumes that `loss` is a
        cross-entropy.
        """
        K, n = len(self.confusion), self.count
        if not math.isfinite(self.loss):
            return "the loss is not finite"
        if n < MIN_IMAGES:
            return ""
        f = self.confusion.sum(axis=1) / n
        H = -float((f[f > 0] * np.log(f[f > 0])).sum())
        answers = np.flatnonzero(self.confusion.sum(axis=0))
        if len(answers) == 1 and np.count_nonzero(f) > 1 and self.loss > 0.98 * H:
            name = (self.classes or range(K))[int(answers[0])]
            return f"all {n:,} images get the same class, {name!r}"
        by_chance = 1 / K + 3 * math.sqrt((1 - 1 / K) / (K * n))
        if self.accuracy <= by_chance and self.loss > 1.05 * math.log(K):
            return (
                f"an accuracy of {self.accuracy:.2%} is no better than guessing, and the loss of "
                f"{self.loss:.4g} is higher than that of guessing, {math.log(K):.3g}"
            )
        if self.loss > 10 * math.log(K):
            return f"the loss of {self.loss:.4g} is far above that of guessing, {math.log(K):.3g}"
        return ""

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


def accuracy_interval(correct: int, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of an accuracy (Wilson's score interval), 0 to 1.

    The accuracy on infinitely many images of the same kind is in this interval for 95 % of test
    sets. If there are no images, the interval is 0 to 1.

    >>> [round(end, 3) for end in accuracy_interval(18, 20)]
    [0.699, 0.972]

    Args:
        correct: the number of images that were classified correctly.
        count: the number of images.
    """
    if count == 0:
        return 0.0, 1.0
    p, q = correct / count, _Z95**2 / count
    center, spread = p + q / 2, math.sqrt(q * (p * (1 - p) + q / 4))
    return max(0.0, (center - spread) / (1 + q)), min(1.0, (center + spread) / (1 + q))


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
        test: images that the network was not trained on. For a classifier, the data set may have
            only some of its classes, in any order.
        loss: the loss function.
        logits: a function that computes the logits of images, or None for those of `model`. If
            there are more than 1,000 images, the compiled engine computes them, as described at
            `Classifier.logits`.

    Raises:
        DataError: if the classes or images of the data set do not fit the network.
        ModelError: if `model` is neither a Network nor a Classifier.
    """
    if isinstance(model, Classifier):
        check_dataset(test)
        test = with_classes(test, model.classes)
    check_classes(model, test)
    Z = (logits or logits_function(model))(scaled_for(model, test).images)
    if type(loss) is SoftmaxCrossEntropy:  # it can leave out the gradient
        value = loss.value(np.asfortranarray(Z), test.labels)  # NumPy adds columns fastest
    else:
        value, _ = loss(Z, test.labels)
    K = len(test.classes)
    cells = test.labels * K + Z.argmax(axis=1)
    return Evaluation(value, np.bincount(cells, minlength=K * K).reshape(K, K), test.classes)


def with_classes(data: Dataset, classes: Sequence[Label]) -> Dataset:
    """Return a data set with the classes of a model instead of its own.

    The labels are matched by name, so that classes without images may be missing in the data. A
    number also matches a text with the same digits. If the model's classes are texts and none of
    them is a number, labels 0..K-1 are indices of its classes.

    Args:
        data: the data set.
        classes: the class names of the model, K of them.

    Raises:
        DataError: if an image belongs to a class that the model does not have.
    """
    if data.classes == tuple(classes):
        return data
    known = {as_text(name): k for k, name in enumerate(classes)}
    occurring = [data.classes[k] for k in np.flatnonzero(data.counts)]
    are_indices = isinstance(classes[0], str) and all(
        isinstance(name, int) and 0 <= name < len(classes) and as_text(name) not in known
        for name in occurring
    )
    if are_indices:
        known = {str(k): k for k in range(len(classes))}
        _log.warning(
            "handgrad: %s: the labels are numbers, taken as indices of the classes: 0 is %r",
            *(data.name, classes[0]),
        )
    unknown = [name for name in occurring if as_text(name) not in known]
    if unknown:
        raise DataError(
            f"{data.name} has the class {unknown[0]!r}, but the model has only the classes "
            f"{_some(tuple(classes))}; leave out the images of other classes, or rename the class"
        )
    index = np.array([known.get(as_text(name), 0) for name in data.classes], np.int64)
    return replace(data, labels=index[data.labels], classes=tuple(classes))


def check_dataset(data: object) -> None:
    """Raise a DataError unless the argument is a Dataset."""
    if not isinstance(data, Dataset):
        kind = type(data).__name__
        raise DataError(
            f"expected a Dataset, not a {kind}; make one: Dataset.from_arrays(images, labels)"
        )


def check_classes(model: Network | Classifier, data: Dataset) -> None:
    """Raise a DataError unless the classes and the size of the images of a data set fit a model.

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
    if not (isinstance(model, Classifier) and model.preprocesses_arrays):  # they fit afterwards
        net.as_images(data.images[:1])


def scaled_for(model: Network | Classifier, data: Dataset) -> Dataset:
    """Return a data set whose images are scaled like the training images of a classifier.

    Raises:
        DataError: if the images cannot be scaled, or have another size than the network's input.
    """
    if not isinstance(model, Classifier) or (X := model.pixels(data)) is data.images:
        return data
    changes: dict[str, Any] = {"pixel_range": model.pixel_range or data.pixel_range}
    if model.preprocesses_arrays:
        changes["preprocessing"] = model.preprocessing
    return replace(data, images=X, **changes)


def _some(labels: tuple[Any, ...]) -> str:
    """Return a text with the first few labels and the number of labels."""
    few = ", ".join(map(repr, labels[:3])) + (", ..." if len(labels) > 3 else "")
    return f"{few} ({len(labels)})"
