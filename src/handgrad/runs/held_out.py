"""Load images that a model was not trained on, from the data of its run or another data set."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.data import SOURCES, Dataset, is_user_data, load_data
from handgrad.errors import ConfigError, DataError
from handgrad.files import expanded

EDITED = "the training settings in the model file were changed by hand; train the model again"

_log = logging.getLogger("handgrad")


def load_validation(
    about: Mapping[str, Any], data_dir: Path | None = None, **options: Any
) -> Dataset:
    """Return the validation images of a run.

    Args:
        about: the metadata in the model file.
        data_dir: the folder of the data files, or None for the folder used in training.
        options: further arguments, which are passed to `load_data`.

    Raises:
        ConfigError: if the model file does not name its data, or the run had no validation images.
        DataError: if the images cannot be loaded, or have changed since the run.
    """
    config, own = about.get("config"), about.get("data")
    share = config.get("validation") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(own, Mapping) or share is None:
        raise ConfigError("the model file does not name its training data; train it again")
    if not share:
        raise ConfigError(
            "the run had no validation images; give other images with --data, or train with "
            "--validation 0.1"
        )
    name, seed = own.get("name"), config.get("seed", 0)
    stored = None
    if data_dir is None and not is_user_data(str(name)):
        stored = config.get("data_dir", config.get("folder"))
    is_valid = isinstance(share, float) and 0 < share < 1 and type(seed) is int and seed >= 0
    if not (is_valid and isinstance(name, str) and isinstance(stored, str | Path | None)):
        raise ConfigError(EDITED)
    if data_dir is None and stored is not None and _has_files(name):
        data_dir = Path(stored)
    train, _ = load_data(name, data_dir, skip_broken=_skips_broken(about, name), **options)
    if train.digest() != own.get("digest"):
        raise DataError(
            f"{train.name}: the images have changed since the model was trained; restore them, or "
            "train the model again"
        )
    return train.split(share, seed)[1]


def load_test(
    about: Mapping[str, Any], data: str | None = None, data_dir: Path | None = None, **options: Any
) -> Dataset:
    """Return the test images of a run.

    Args:
        about: the metadata in the model file.
        data: the name of a data set or the path of user data, or None for the data of the run.
        data_dir: the folder of the data files, or None for the folder used in training.
        options: further arguments, which are passed to `load_data`.

    Raises:
        ConfigError: if the model file does not name its data, or there is no data called
            `data`.
        DataError: if the data cannot be loaded, or may contain training images of the model.
    """
    own, config = about.get("data"), about.get("config")
    name = data or (own.get("name") if isinstance(own, Mapping) else None)
    if not isinstance(name, str):
        raise ConfigError("the model file does not name its training data; give --data")
    if data_dir is None and data is None and isinstance(config, Mapping) and _has_files(name):
        data_dir = config.get("data_dir", config.get("folder"))
    skip_broken = data is None and _skips_broken(about, name)
    train, test = load_data(name, data_dir, skip_broken=skip_broken, **options)
    if data is None and isinstance(own, Mapping) and is_user_data(name):
        _check_test(train, test, own)
    return test


def _check_test(train: Dataset, test: Dataset, own: Mapping[str, Any]) -> None:
    """Raise a DataError if the test images were sampled again; warn if they have changed."""
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if train.digest() != own.get("digest") and lacks_test_split(expanded(str(own["name"]))):
        raise DataError(
            f"{train.name}: the images have changed since the model was trained, so a new random "
            "test split may contain its training images; restore the images, train the model "
            "again, or give other images with --data"
        )
    if test.digest() != own.get("test_digest", test.digest()):
        _log.warning("handgrad: %s: the images have changed since the model was trained", test.name)


def load_held_out(
    about: Mapping[str, Any], name: str, data_dir: Path | None = None, **options: Any
) -> Dataset:
    """Return the test images of a data set, or all its images if it has no test split.

    Args:
        about: the metadata in the model file.
        name: the name of the data, or the path of user data.
        data_dir: the folder of the data files, for standard data sets.
        options: further arguments, which are passed to `load_data`.

    Raises:
        ConfigError: if there is no data set with this name or path.
        DataError: if the data cannot be loaded, or may contain training images of the model.
    """
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if not name:
        raise ConfigError("data must be a name or a path, not an empty string")
    own = about.get("data")
    if isinstance(own, Mapping) and _place(name) == _place(str(own.get("name"))):
        test = load_test(about, None, data_dir, **options)
        _log.warning(
            "handgrad: %s: these are the test images of the run; after calibration on them, they "
            "are no longer independent test images",
            test.name,
        )
        return test
    train, test = load_data(name, data_dir, **options)
    if not is_user_data(name) or not lacks_test_split(expanded(name)):
        return test
    images = np.concatenate([train.images, test.images])
    return replace(train, images=images, labels=np.concatenate([train.labels, test.labels]))


def _skips_broken(about: Mapping[str, Any], name: str) -> bool:
    """Return whether a run leaves out image files that cannot be read."""
    config = about.get("config")
    return is_user_data(name) and isinstance(config, Mapping) and bool(config.get("skip_broken"))


def _has_files(name: str) -> bool:
    """Return whether a name is that of a standard data set whose files are in a folder."""
    return not is_user_data(name) and not (name in SOURCES and not SOURCES[name].files)


def _place(name: str) -> str:
    """Return an identifier of a data set; equal identifiers mean the same data."""
    return os.path.realpath(expanded(name)) if is_user_data(name) else name
