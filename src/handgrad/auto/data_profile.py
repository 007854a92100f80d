"""What the images are like, and what follows from it without trying."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.auto.speed import Parts
from handgrad.data import SOURCES, Dataset
from handgrad.data.formats.registry import TEST, VALIDATION, list_images
from handgrad.data.inspect.checks import IMBALANCE, inspect_images
from handgrad.data.inspect.issue import Issue
from handgrad.errors import DataError
from handgrad.runs.config import RunConfig

WANTED = 1000  # validation images, if that is a share between these two
LEAST_SHARE, LARGEST_SHARE = 0.05, 0.2
FILES_A_SECOND = 40  # of the time given, so many files may be read again
NEAR = 24  # of 255: what differs less from the ground is ground


@dataclass(frozen=True)
class Look:
    """What there is to know before anything is tried.

    Attributes:
        files: whether they are image files, which can be prepared in several ways.
        own_test: whether the data says itself what the test is; None: that cannot be seen.
        ground: the share of pixels that are as the image's corners are, 0 to 1.
        dark: whether these corners are dark.
        issues: what the doctor of folders found; None: it was not asked.
    """

    files: bool
    own_test: bool | None
    ground: float
    dark: bool
    issues: tuple[Issue, ...] | None


def look_at(config: RunConfig, train: Dataset, seconds: float) -> Look:
    """Look at the images, and at the files that they came from where there is time for that.

    Args:
        config: the settings that say where they are.
        train: the images.
        seconds: how much time there is for all.
    """
    ground, dark = _ground(train.images)
    if config.data in SOURCES:
        return Look(False, True, ground, dark, None)
    place = Path(config.data)
    try:
        splits = list_images(place)
    except DataError:  # a file of arrays
        return Look(False, None, ground, dark, None)
    count = sum(len(found.paths) for found in splits.values())
    quick = count <= FILES_A_SECOND * seconds
    issues = tuple(inspect_images(place, progress=False).issues) if quick else None
    return Look(quick, TEST in splits or VALIDATION in splits, ground, dark, issues)


def share_for_validation(images: int) -> float:
    """Return which share of the training images to choose by."""
    return round(min(max(WANTED / images, LEAST_SHARE), LARGEST_SHARE), 3)


def settings_for(parts: Parts) -> dict[str, object]:
    """Return the settings that follow from how many images there are."""
    count, fewest = len(parts.train), max(int(parts.train.counts.min()), 1)
    size = next((size for most, size in ((500, 16), (2500, 32), (20_000, 64)) if count < most), 128)
    uneven = int(parts.train.counts.max()) > IMBALANCE * fewest
    return {
        "batch_size": min(size, count),
        "class_weights": "balanced" if uneven else "none",
    }


def _ground(X: NDArray[Any]) -> tuple[float, bool]:
    """Return the share of pixels that are like their image's corners, and if those are dark."""
    some = X[:: max(1, len(X) // 256)].mean(axis=1)
    if X.dtype != np.uint8:
        some = 255 * some
    ground = np.median(some[:, [0, 0, -1, -1], [0, -1, 0, -1]], axis=1)
    share = (np.abs(some - ground[:, None, None]) < NEAR).mean()
    return float(share), bool(np.median(ground) < NEAR)
