"""How good a network still is on damaged images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.data.corruptions import CORRUPTIONS, corrupt
from handgrad.errors import DataError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.train.evaluate import Evaluation, check_classes, evaluate


@dataclass(frozen=True)
class Robustness:
    """What an evaluation on whole and on damaged images found.

    Attributes:
        clean: on the images as they are.
        damaged: for each kind of damage.
    """

    clean: Evaluation
    damaged: dict[str, Evaluation]

    @property
    def accuracy(self) -> float:
        """The mean accuracy over all kinds of damage, 0 to 1."""
        return float(np.mean([found.accuracy for found in self.damaged.values()]))


def robustness(
    net: Network,
    test: Dataset,
    *,
    seed: int = 0,
    logits: Callable[[NDArray[Any]], Array] | None = None,
) -> Robustness:
    """Return how good a network is on images, and on the same damaged in fifteen ways.

    Args:
        net: the network.
        test: images that it has not learned from, uint8.
        seed: decides what is at random in the damage.
        logits: how to compute them; None: by the network itself.

    Raises:
        DataError: if the data set's classes or images are not the network's, or not uint8.
    """
    check_classes(net, test)
    if test.images.dtype != np.uint8:
        raise DataError(
            f"{test.name}: images of {test.images.dtype} cannot be damaged as files are; "
            "give them as uint8, 0..255"
        )
    damaged = {
        name: evaluate(net, replace(test, images=corrupt(test.images, name, seed)), logits=logits)
        for name in CORRUPTIONS
    }
    return Robustness(evaluate(net, test, logits=logits), damaged)
