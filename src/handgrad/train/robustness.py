"""Robustness: the accuracy of a network on corrupted test images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Classifier, logits_function
from handgrad.data import Dataset
from handgrad.data.corruptions import CORRUPTIONS, corrupt
from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.train.evaluate import Evaluation, check_classes, evaluate, with_classes


@dataclass(frozen=True)
class Robustness:
    """The result of evaluating a network on clean and on corrupted images.

    Attributes:
        clean: the evaluation on the clean (uncorrupted) images.
        corrupted: the evaluation on corrupted images, keyed by the name of the corruption.
    """

    clean: Evaluation
    corrupted: dict[str, Evaluation]

    @property
    def accuracy(self) -> float:
        """The accuracy on corrupted images, averaged over all corruptions, 0 to 1."""
        return float(np.mean([found.accuracy for found in self.corrupted.values()]))


def robustness(
    model: Network | Classifier,
    test: Dataset,
    *,
    seed: int = 0,
    logits: Callable[[NDArray[Any]], Array] | None = None,
) -> Robustness:
    """Evaluate a network on clean images, and on copies of them with each of 15 corruptions.

    Args:
        model: the network or classifier.
        test: images that the network was not trained on, as uint8.
        seed: the seed of the random corruptions.
        logits: a function that computes the logits of images, or None to use the network.

    Raises:
        DataError: if the classes or images do not fit the network, or the images are not uint8.
    """
    if isinstance(model, Classifier):
        test = with_classes(test, model.classes)
    check_classes(model, test)
    if test.images.dtype != np.uint8:
        raise DataError(
            f"{test.name}: images of dtype {test.images.dtype} cannot be corrupted; "
            "use uint8 images with values 0 to 255"
        )
    logits = logits or logits_function(model)
    corrupted = {
        name: evaluate(model, replace(test, images=corrupt(test.images, name, seed)), logits=logits)
        for name in CORRUPTIONS
    }
    return Robustness(evaluate(model, test, logits=logits), corrupted)
