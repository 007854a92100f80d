"""How fast a network learns on this machine, and what fits into some seconds."""

from __future__ import annotations

import time
from typing import NamedTuple

from handgrad.data import Dataset
from handgrad.data.split import stratified
from handgrad.runs.config import RunConfig
from handgrad.train import epochs

PROBED, PROBES = 256, 2  # images by which the speed of a network is measured, and epochs
FEWEST_EPOCHS = 3  # where there is no time for so many, some of the images are left out


class Parts(NamedTuple):
    """The images, by what they are for.

    Attributes:
        images: all that are not the test.
        train: those of them to learn from.
        validation: those of them to choose by.
        test: to say in the end how good the choice is.
    """

    images: Dataset
    train: Dataset
    validation: Dataset
    test: Dataset


class Speed(NamedTuple):
    """How long things take, in seconds.

    Attributes:
        image: to learn from one image once.
        judging: to judge by all validation images.
    """

    image: float
    judging: float

    def epoch(self, images: int) -> float:
        """Return how long an epoch takes that learns from so many images."""
        return images * self.image + self.judging


def measured(config: RunConfig, parts: Parts) -> Speed:
    """Return how fast the network of some settings is, by a few epochs on few images.

    The first of them does not count: kernels may have to be compiled or loaded in it.
    """
    few = some_of(parts.train, PROBED, config.seed)
    settings = fitted(config, few, 1 + PROBES)
    net, recipe = settings.network(few), settings.train_config(few.classes)
    learning, judging, mark = [], [], time.perf_counter()
    for record in epochs(net, few, validation=parts.validation, **vars(recipe)):
        now = time.perf_counter()
        learning.append(record.seconds)
        judging.append(now - mark - record.seconds)
        mark = now
    return Speed(min(learning[1:]) / len(few), max(min(judging[1:]), 0.0))


def planned(speed: Speed, seconds: float, images: int, most: int) -> tuple[int, int]:
    """Return how many epochs of how many images some seconds are enough for.

    Args:
        speed: how long things take.
        seconds: how long it may take.
        images: how many there are.
        most: how many epochs at most.
    """
    count = int(seconds / speed.epoch(images))
    if count >= FEWEST_EPOCHS:
        return min(count, most), images
    fewer = (seconds / FEWEST_EPOCHS - speed.judging) / speed.image
    return FEWEST_EPOCHS, int(min(max(fewer, 1), images))


def some_of(data: Dataset, count: int, seed: int) -> Dataset:
    """Return about so many images: of each class the same share, and one at least."""
    if count >= len(data):
        return data
    left_out = stratified(data.labels, 1 - count / len(data), seed)
    return data.take(~left_out)


def fitted(config: RunConfig, train: Dataset, epochs: int) -> RunConfig:
    """Return settings with so many epochs, and batches no larger than there are images."""
    size = min(config.batch_size, len(train))
    return config.model_copy(update={"epochs": epochs, "batch_size": size})
