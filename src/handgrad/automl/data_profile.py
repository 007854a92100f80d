"""Properties of the images, and the settings that depend on them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.automl.speed import DataSplits
from handgrad.data import SOURCES, Dataset
from handgrad.data.formats.registry import TEST, VALIDATION, list_images
from handgrad.data.inspect.checks import IMBALANCE, inspect_images
from handgrad.data.inspect.issue import Issue
from handgrad.errors import DataError
from handgrad.preprocess import drawing
from handgrad.runs.config import RunConfig

VALIDATION_IMAGES = 1000  # wanted, within the two shares below
MIN_SHARE, MAX_SHARE = 0.05, 0.2
FILES_PER_SECOND = 40  # of the time budget: no more files are inspected
PREPROCESSING_SHARE = 0.2  # of the time budget at most, to preprocess arrays in two other ways
TIMED_IMAGES = 16  # with which the time of preprocessing is measured
BACKGROUND_TOLERANCE = 24  # of 255: the largest difference from the background


@dataclass(frozen=True)
class DataProfile:
    """Properties of the images that are known before training.

    Attributes:
        can_preprocess: whether the images can be preprocessed in other ways, and there is enough
            time for it.
        has_test: whether the data include a test set, or None if this is unknown.
        background: the fraction of pixels whose value is close to that of the image's corners, from
            0 to 1.
        dark_background: whether the corners of the images are dark.
        issues: the problems that the inspection of the image files found, or None if the files were
            not inspected.
    """

    can_preprocess: bool
    has_test: bool | None
    background: float
    dark_background: bool
    issues: tuple[Issue, ...] | None


def profile_data(
    config: RunConfig, train: Dataset, seconds: float, reading: float = 0.0
) -> DataProfile:
    """Determine the properties of the images, and inspect the image files if there is enough time.

    Args:
        config: the settings; `config.data` is the name of a data set or a path.
        train: the images.
        seconds: the total time budget.
        reading: the time that it took to read the images, in seconds.
    """
    if config.data in SOURCES:
        return DataProfile(False, True, *_background(train.images), None)
    path = Path(config.data)
    try:
        splits = list_images(path)
    except DataError:  # a file of arrays
        return profile_images(train, None, seconds, reading)
    background, dark = _background(train.images)
    count = sum(len(found.paths) for found in splits.values())
    is_fast = count <= FILES_PER_SECOND * seconds
    issues = tuple(inspect_images(path, progress=False).issues) if is_fast else None
    has_test = TEST in splits or VALIDATION in splits
    return DataProfile(is_fast, has_test, background, dark, issues)


def profile_images(
    train: Dataset, has_test: bool | None, seconds: float, reading: float = 0.0
) -> DataProfile:
    """Determine the properties of images that are arrays, so that there are no files to inspect.

    Args:
        train: the images.
        has_test: whether the data include a test set, or None if this is unknown.
        seconds: the total time budget.
        reading: the time that it takes to read the images again, in seconds.
    """
    can_preprocess = train.pixel_range.is_known and train.shape[0] in (1, 3)
    if can_preprocess:
        few = train.take(np.arange(0, len(train), -(-len(train) // TIMED_IMAGES)))
        start = time.perf_counter()
        few.preprocessed(drawing(max(train.shape[1:])))
        each = (time.perf_counter() - start) / len(few)
        can_preprocess = 2 * (reading + len(train) * each) <= PREPROCESSING_SHARE * seconds
    return DataProfile(can_preprocess, has_test, *_background(train.images), None)


def validation_share(images: int) -> float:
    """Return the fraction of the training images to use for validation."""
    return round(min(max(VALIDATION_IMAGES / images, MIN_SHARE), MAX_SHARE), 3)


def batch_settings(splits: DataSplits) -> dict[str, object]:
    """Return the batch size and the class weights for the given number of images."""
    count, fewest = len(splits.train), max(int(splits.train.counts.min()), 1)
    sizes = ((500, 16), (2500, 32), (20_000, 64))
    size = next((size for limit, size in sizes if count < limit), 128)
    unbalanced = int(splits.train.counts.max()) > IMBALANCE * fewest
    return {
        "batch_size": min(size, count),
        "class_weights": "balanced" if unbalanced else "none",
    }


def _background(X: NDArray[Any]) -> tuple[float, bool]:
    """Return the fraction of pixels similar to the corners, and whether the corners are dark."""
    some = X[:: max(1, len(X) // 256)].mean(axis=1)
    if X.dtype != np.uint8:
        some = 255 * some
    corners = np.median(some[:, [0, 0, -1, -1], [0, -1, 0, -1]], axis=1)
    share = (np.abs(some - corners[:, None, None]) < BACKGROUND_TOLERANCE).mean()
    return float(share), bool(np.median(corners) < BACKGROUND_TOLERANCE)
