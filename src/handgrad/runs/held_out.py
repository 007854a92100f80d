"""Images that a model has not learned from, by what they are called."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.data import Dataset, is_user_data, load_data
from handgrad.errors import ConfigError
from handgrad.files import expanded
from handgrad.runs.run import load_test

_log = logging.getLogger("handgrad")


def load_others(
    about: Mapping[str, Any], name: str, folder: Path | None = None, **options: Any
) -> Dataset:
    """Return the test images of some data; all of them where they are no test and no training.

    Args:
        about: what the model file remembers.
        name: the name of the data, or where images of one's own lie.
        folder: where the files of data with a name lie.
        options: further arguments of `handgrad.load`.

    Raises:
        ConfigError: if there is no such data.
        DataError: if it cannot be had, or may hold images that the model has learned from.
    """
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if not name:
        raise ConfigError("data must be a name or where images lie, not an empty word")
    own = about.get("data")
    if isinstance(own, Mapping) and _place(name) == _place(str(own.get("name"))):
        test = load_test(about, None, folder, **options)
        _log.warning("handgrad: %s: the run's own test, which judges it no more", test.name)
        return test
    train, test = load_data(name, folder, **options)
    if not is_user_data(name) or not lacks_test_split(expanded(name)):
        return test
    images = np.concatenate([train.images, test.images])
    return replace(train, images=images, labels=np.concatenate([train.labels, test.labels]))


def _place(name: str) -> str:
    """Return what is the same for the same data."""
    return os.path.realpath(expanded(name)) if is_user_data(name) else name
