"""Load all images of the user's own data, without dividing them into splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.dataset import Dataset
from handgrad.data.folders import check_exists
from handgrad.data.formats.folder_tree import scan
from handgrad.data.formats.image_files import read_images
from handgrad.data.formats.registry import as_file_lists, read_contents
from handgrad.data.user_data import data_name, datasets_from_arrays
from handgrad.files import expanded
from handgrad.pixel_range import PixelRange, joined
from handgrad.preprocess import Preprocessing


def load_every_split(
    path: Path,
    preprocessing: Preprocessing | None = None,
    *,
    trained: PixelRange | None = None,
    progress: bool | None = None,
) -> Dataset:
    """Load the training, validation and test images of a file or folder as one data set.

    The images may all belong to one class, and there may be a single one.

    Args:
        path: a folder of images, a CSV file, an NPZ file, or a folder with IDX files.
        preprocessing: how to preprocess image files, or None to choose the preprocessing from a
            sample of them. Arrays are preprocessed only if it is `for_arrays`.
        trained: the range of the images that a model was trained on, because arrays probably have
            the same range; or None to recognize it from the values alone.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        DataError: if the data cannot be read; the message gives the reason and how to fix it.
    """
    path = expanded(path)
    check_exists(path)
    contents, name = read_contents(path), data_name(path)
    if (files := as_file_lists(contents.splits)) is not None:
        paths = [p for split in files.values() for p in split.paths]
        labels = [label for split in files.values() for label in split.labels]
        data = Dataset.from_files(
            paths, labels, preprocessing=preprocessing, name=name, progress=progress
        )
    else:
        data, test = datasets_from_arrays(contents.splits, name, trained, preprocessing)
        if test is not None:
            X, y = joined(data.images, test.images), np.concatenate([data.labels, test.labels])
            data = replace(data, images=X, labels=y)
    return replace(data, summary=contents.summary, skipped=contents.skipped)


def load_images(
    path: Path,
    preprocessing: Preprocessing,
    *,
    trained: PixelRange | None = None,
    progress: bool | None = None,
) -> NDArray[Any]:
    """Load all images of a file or folder, (N, C, H, W), with or without labels.

    Args:
        path: a folder with image files at any depth, or other data that `load_every_split` reads.
        preprocessing: how to preprocess image files, and arrays if it is `for_arrays`.
        trained: the range of the images that a model was trained on: see `load_every_split`.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        DataError: if the data cannot be read; the message gives the reason and how to fix it.
    """
    path = expanded(path)
    check_exists(path)
    files = list(scan(path).images()) if path.is_dir() else []
    if files:
        return read_images(files, preprocessing, data_name(path), progress=progress)
    return load_every_split(path, preprocessing, trained=trained, progress=progress).images
