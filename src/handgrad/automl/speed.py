"""The speed of a network on this machine, and the number of epochs that fit into a given time."""

from __future__ import annotations

import time
from typing import NamedTuple

from handgrad.data import Dataset
from handgrad.data.split import stratified
from handgrad.runs.config import RunConfig
from handgrad.train import epochs

PROBE_IMAGES, PROBE_EPOCHS = 256, 2  # with which the speed of a network is measured
MIN_EPOCHS = 3  # if there is no time for them, fewer images are used


class DataSplits(NamedTuple):
    """The images, divided into training, validation and test images.

    Attributes:
        all_but_test: the training and validation images together.
        train: the images used for training.
        validation: the images used to compare candidates.
        test: the images used to evaluate the final model.
    """

    all_but_test: Dataset
    train: Dataset
    validation: Dataset
    test: Dataset


class Speed(NamedTuple):
    """The measured speed: how many seconds training and validation take.

    Attributes:
        per_image: the training time per image.
        validation: the time to evaluate all validation images.
    """

    per_image: float
    validation: float

    def epoch(self, images: int) -> float:
        """Return the time of an epoch with `images` training images."""
        return images * self.per_image + self.validation


def measure_speed(config: RunConfig, splits: DataSplits) -> Speed:
    """Measure the speed of a network over a few epochs with a small number of images.

    The first epoch is not counted, because kernels may be compiled or loaded during it.
    """
    few = subset(splits.train, PROBE_IMAGES, config.seed)
    settings = with_epochs(config, few, 1 + PROBE_EPOCHS)
    net, train_config = settings.network(few), settings.train_config(few.classes)
    training, validation, start = [], [], time.perf_counter()
    for record in epochs(net, few, validation=splits.validation, **vars(train_config)):
        now = time.perf_counter()
        training.append(record.seconds)
        validation.append(now - start - record.seconds)
        start = now
    return Speed(min(training[1:]) / len(few), max(min(validation[1:]), 0.0))


def plan_epochs(speed: Speed, seconds: float, images: int, max_epochs: int) -> tuple[int, int]:
    """Return the number of epochs that fit into the given time, and the images per epoch.

    Args:
        speed: the speed of the network.
        seconds: the time available for training and validation.
        images: the number of training images.
        max_epochs: the maximum number of epochs.
    """
    count = int(seconds / speed.epoch(images))
    if count >= MIN_EPOCHS:
        return min(count, max_epochs), images
    fewer = (seconds / MIN_EPOCHS - speed.validation) / speed.per_image
    return MIN_EPOCHS, int(min(max(fewer, 1), images))


def subset(data: Dataset, count: int, seed: int) -> Dataset:
    """Return about `count` images: the same fraction of each class, but at least one."""
    if count >= len(data):
        return data
    left_out = stratified(data.labels, 1 - count / len(data), seed)
    return data.take(~left_out)


def with_epochs(config: RunConfig, train: Dataset, epochs: int) -> RunConfig:
    """Return a configuration with `epochs` epochs and a batch size no larger than the data set."""
    size = min(config.batch_size, len(train))
    return config.model_copy(update={"epochs": epochs, "batch_size": size})
