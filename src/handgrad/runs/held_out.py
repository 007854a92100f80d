"""Images that a model was not trained on, by name."""

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
    """Return the test images of some data, or all images if the data has no split.

    Args:
        about: the further data in the model file.
        name: the name of the data, or the path of user data.
        folder: the folder of the files of named data.
        options: further arguments of `load_data`.

    Raises:
        ConfigError: if there is no such data.
        DataError: if it cannot be loaded, or may contain training images of the model.
    """
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if not name:
        raise ConfigError("data must be a name or a path, not an empty text")
    own = about.get("data")
    if isinstance(own, Mapping) and _place(name) == _place(str(own.get("name"))):
        test = load_test(about, None, folder, **options)
        _log.warning(
            "handgrad: %s: these are the run's own test images; they no longer test it", test.name
        )
        return test
    train, test = load_data(name, folder, **options)
    if not is_user_data(name) or not lacks_test_split(expanded(name)):
        return test
    images = np.concatenate([train.images, test.images])
    return replace(train, images=images, labels=np.concatenate([train.labels, test.labels]))


def _place(name: str) -> str:
    """Return an identifier that is equal for equal data."""
    return os.path.realpath(expanded(name)) if is_user_data(name) else name
