"""Load images that a model was not trained on, from the data of its run or another data set."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Classifier
from handgrad.data import SOURCES, Dataset, is_user_data, load_data
from handgrad.data.old_digests import is_digest_of_unscaled, unscaled_before
from handgrad.errors import ConfigError, DataError
from handgrad.files import expanded
from handgrad.runs.trained_on import INCOMPLETE, trained_on
from handgrad.train.evaluate import with_classes

EDITED = "the training settings in the model file were changed by hand; train the model again"

_log = logging.getLogger("handgrad")


def load_validation(
    about: Mapping[str, Any], data_dir: Path | None = None, **options: Any
) -> tuple[Dataset, Dataset]:
    """Return the training images and the validation images of a run.

    Args:
        about: the metadata in the model file.
        data_dir: the folder of the data files, or None for the folder used in training.
        options: additional arguments for `load_data`.

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
        _check_scaling(train, own)
        raise DataError(
            f"{train.name}: the images have changed since the model was trained; restore them, or "
            "train the model again"
        )
    return train.split(share, seed)


def load_test(
    about: Mapping[str, Any], data: str | None = None, data_dir: Path | None = None, **options: Any
) -> Dataset:
    """Return the test images of a run.

    Args:
        about: the metadata in the model file.
        data: the name of a data set or the path of user data, or None for the data of the run.
        data_dir: the folder of the data files, or None for the folder used in training.
        options: additional arguments for `load_data`.

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
        check_test(train, test, own)
    return test


def check_test(train: Dataset, test: Dataset, own: Mapping[str, Any]) -> None:
    """Raise a DataError if the test set would be another one; warn if the images have changed."""
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if train.digest() != own.get("digest"):
        _check_scaling(train, own)
        if lacks_test_split(expanded(str(own["name"]))):
            raise DataError(
                f"{train.name}: the images have changed since the model was trained, so a new "
                "random test split may contain its training images; restore the images, train the "
                "model again, or give other images with --data"
            )
    if test.digest() != own.get("test_digest", test.digest()):
        _log.warning("handgrad: %s: the images have changed since the model was trained", test.name)


def _check_scaling(train: Dataset, own: Mapping[str, Any]) -> None:
    """Raise a DataError if a model was trained on the images before they were scaled."""
    if is_digest_of_unscaled(own.get("digest"), train):
        raise DataError(
            f"{train.name}: when the model was trained, {unscaled_before(train)}; train the model "
            "again"
        )


def load_all(
    name: str, classifier: Classifier, data_dir: Path | None = None, progress: bool | None = None
) -> Dataset:
    """Return all labelled images of user data, or the test images of a built-in data set.

    The data set gets the classes of the classifier, some of which may have no images.

    Args:
        name: the name of a built-in data set, or the path of user data.
        classifier: the model, with its preprocessing and its classes.
        data_dir: the folder of the data files, for built-in data sets.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        ConfigError: if there is no data set with this name or path.
        DataError: if the data cannot be loaded, or has a class that the classifier does not have.
    """
    if not name:
        raise ConfigError("data must be a name or a path, not an empty string")
    steps = classifier.preprocessing
    if is_user_data(name) and data_dir is None:
        from handgrad.data.every_split import load_every_split  # it loads Pillow

        data = load_every_split(
            Path(name), steps, trained=classifier.pixel_range, progress=progress
        )
    else:
        _, data = load_data(name, data_dir, progress=progress, preprocessing=steps)
    return with_classes(data, classifier.classes)


def load_ood(
    name: str, classifier: Classifier, data_dir: Path | None = None, progress: bool | None = None
) -> NDArray[Any]:
    """Return images of other kinds than those of a model, (N, C, H, W), with or without labels.

    Args:
        name: the name of a built-in data set, whose test images are used, or the path of user data.
        classifier: the model, with its preprocessing.
        data_dir: the folder of the data files, for built-in data sets.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        ConfigError: if there is no data set with this name or path.
        DataError: if the data cannot be loaded, or the images do not fit the model.
    """
    if is_user_data(name):
        from handgrad.data.every_split import load_images  # it loads Pillow
        from handgrad.preprocess import preset_named

        steps = classifier.preprocessing or preset_named("plain", classifier.shape)
        images = load_images(Path(name), steps, trained=classifier.pixel_range, progress=progress)
        _check_size(images, classifier, name)
        return classifier.network.as_images(images)
    options: dict[str, Any] = {"progress": progress, "preprocessing": classifier.preprocessing}
    _, test = load_data(name, data_dir, **options)
    _check_size(test.images, classifier, name)
    return classifier.pixels(test)


def _check_size(images: NDArray[Any], classifier: Classifier, name: str) -> None:
    """Raise a DataError if the images of an array have another size than a model takes."""
    if images.shape[1:] != classifier.shape:
        found, taken = ("x".join(map(str, shape)) for shape in (images.shape[1:], classifier.shape))
        raise DataError(
            f"{name}: the arrays have images of {found} (channels x height x width), but the model "
            f"takes {taken}; give image files, which are converted to this size, or convert the "
            "arrays"
        )


def used_in_training(
    file: Path, about: Mapping[str, Any], classifier: Classifier, data: Dataset, name: str | None
) -> NDArray[np.bool_] | None:
    """Return which images the model was trained on, (N,), or None if this is unknown.

    The images are compared as inputs of the network. Built-in data sets are not preprocessed, so an
    image file is also compared without preprocessing.

    Args:
        file: the model file.
        about: the metadata in the model file.
        classifier: the model.
        data: the data set.
        name: the path that the data set was loaded from, or None if it is the data of the run.
    """
    seen = trained_on(file, about, data.images)
    steps = classifier.preprocessing
    by_name = _was_trained_by_name(about)
    if seen is None or name is None or not is_user_data(name) or not by_name or not steps:
        return seen
    from handgrad.data.every_split import load_every_split  # it loads Pillow
    from handgrad.preprocess import preset_named

    unchanged = preset_named("plain", classifier.shape)
    raw = trained_on(file, about, load_every_split(Path(name), unchanged, progress=False).images)
    return seen if raw is None else seen | raw


def knows_all_training_images(about: Mapping[str, Any]) -> bool:
    """Return whether `used_in_training` finds the images of all runs that trained a model.

    It does not if the training of another model was continued, whose training images are unknown.

    Args:
        about: the metadata in the model file.
    """
    return not about.get(INCOMPLETE)


def is_test_data_of(about: Mapping[str, Any], name: str) -> bool:
    """Return whether a name or path is that of the data of a run, which contains its test images.

    Args:
        about: the metadata in the model file.
        name: the name of a built-in data set, or the path of user data.
    """
    own = about.get("data")
    return isinstance(own, Mapping) and _place(name) == _place(str(own.get("name")))


def _was_trained_by_name(about: Mapping[str, Any]) -> bool:
    """Return whether a run, or one that it continued, was trained on a built-in data set."""
    run: Any = about
    while isinstance(run, Mapping):
        own = run.get("data")
        if isinstance(own, Mapping) and not is_user_data(str(own.get("name"))):
            return True
        run = run.get("from")
    return False


def _skips_broken(about: Mapping[str, Any], name: str) -> bool:
    """Return whether a run leaves out image files that cannot be read."""
    config = about.get("config")
    return is_user_data(name) and isinstance(config, Mapping) and bool(config.get("skip_broken"))


def _has_files(name: str) -> bool:
    """Return whether a name is that of a standard data set whose files are in a folder."""
    return not is_user_data(name) and not (name in SOURCES and not SOURCES[name].files)


def _place(name: str) -> str:
    """Return an identifier of a data set, which is the same for the same data."""
    return os.path.realpath(expanded(name)) if is_user_data(name) else name
