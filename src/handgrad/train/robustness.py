"""Robustness: the accuracy of a network on corrupted test images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.data.corruptions import CORRUPTIONS, corrupt
from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.train.evaluate import Evaluation, check_classes, evaluate


@dataclass(frozen=True)
class Robustness:
    """The result of an evaluation on clean and on corrupted images.

    Attributes:
        clean: the evaluation on the clean images.
        damaged: the evaluation for each kind of corruption.
    """

    clean: Evaluation
    damaged: dict[str, Evaluation]

    @property
    def accuracy(self) -> float:
        """The mean accuracy over all kinds of corruption, 0 to 1."""
        return float(np.mean([found.accuracy for found in self.damaged.values()]))


def robustness(
    model: Network | Classifier,
    test: Dataset,
    *,
    seed: int = 0,
    logits: Callable[[NDArray[Any]], Array] | None = None,
) -> Robustness:
    """Evaluate a network on clean images, and on the same images with fifteen corruptions.

    Args:
        model: the network or classifier.
        test: images that it was not trained on, uint8.
        seed: the seed of random corruptions.
        logits: computes the logits of images; None: the network itself.

    Raises:
        DataError: if the data set has other classes or images than the network, or not uint8.
    """
    check_classes(model, test)
    if test.images.dtype != np.uint8:
        raise DataError(
            f"{test.name}: images of {test.images.dtype} cannot be corrupted like files; "
            "use uint8, 0..255"
        )
    damaged = {
        name: evaluate(model, replace(test, images=corrupt(test.images, name, seed)), logits=logits)
        for name in CORRUPTIONS
    }
    return Robustness(evaluate(model, test, logits=logits), damaged)
