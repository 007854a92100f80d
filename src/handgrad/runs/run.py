"""What a finished run leaves: the model, how it came about, how good it is, what one sees."""

from __future__ import annotations

import csv
import json
import logging
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import handgrad
from handgrad.classifier import read_bundle, save_model
from handgrad.data import Dataset, is_user_data, load_data
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.files import check_is_file, expanded, replacing
from handgrad.network import Network
from handgrad.runs.config import Config
from handgrad.runs.folder import MODEL, has_checkpoint
from handgrad.train import Epoch, Evaluation, History

IMAGES_SHOWN = 36
EDITED = "what the model file says of its training is not what handgrad wrote; train it again"

_log = logging.getLogger("handgrad")


@dataclass(frozen=True)
class Run:
    """What a training run leaves behind.

    Attributes:
        config: the settings.
        net: the trained network.
        history: one record for each epoch.
        train: the images it was trained and validated on.
        test: the images it was tested on.
        evaluation: how it did on them.
        more: what the model file remembers besides, as JSON can hold it.
    """

    config: Config
    net: Network
    history: History
    train: Dataset
    test: Dataset
    evaluation: Evaluation
    more: Mapping[str, Any] = field(default_factory=dict)


def write(run: Run, folder: Path) -> str | None:
    """Write all files of a run into a folder.

    Returns:
        Why figures are missing, if they could not be drawn: that is not worth losing the run.
    """
    save_model(run.net, folder / MODEL, about(run), golden=run.test.images)
    _write_text(folder / "config.toml", run.config.toml())
    _write_history(run.history, folder)
    if run.config.figures:
        try:
            draw(run, folder / "figures")
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".replace(f"{folder}{os.sep}", "")
            return f"not all figures could be drawn ({reason}); the rest of the run is kept"
    return None


def about(run: Run) -> dict[str, Any]:
    """Return what the model file remembers beside the network."""
    return {
        "data": {
            "name": run.config.data,
            "digest": run.train.digest(),
            "test_digest": run.test.digest(),
        },
        "seed": run.config.seed,
        "config": run.config.plain(),
        "versions": versions(),
        "scores": {
            "test_accuracy": run.evaluation.accuracy,
            "test_loss": run.evaluation.loss,
            "test_images": run.evaluation.count,
            "epochs": len(run.history),
            "best_epoch": run.history.best_epoch,
        },
        **run.more,
    }


def draw(run: Run, folder: Path) -> None:
    """Write the figures of a run as PNG files."""
    from handgrad import plots

    test, classes, confusion = run.test, run.net.classes, run.evaluation.confusion
    p = run.net.predict_proba(test.images)
    few = slice(IMAGES_SHOWN)
    X, y = test[few]
    figures = {
        "learning-curves": plots.learning_curves(run.history),
        "predictions": plots.predictions(X, y, p[few].argmax(axis=1), classes, p[few]),
        "confusion-counts": plots.confusion(confusion, classes),
        "confusion-rows": plots.confusion(confusion, classes, rows=True),
        "mistakes": plots.confident_mistakes(test.images, test.labels, p, classes),
    }
    with suppress(ModelError):  # a network whose first weights see no pixels has none to draw
        figures["first-layer-weights"] = plots.first_layer_weights(run.net)
    for name, figure in figures.items():
        plots.save(figure, folder / f"{name}.png")


def load_run(path: Path) -> tuple[Network, dict[str, Any]]:
    """Return a run's network, and what its file remembers: see `about`.

    Args:
        path: the run's folder, or the model file itself.

    Raises:
        ModelError: if there is no model, or it cannot be read.
    """
    bundle = read_bundle(model_file(path))
    return bundle.net, bundle.about


def model_file(path: Path) -> Path:
    """Return the model file of a run.

    Args:
        path: the run's folder, or the model file itself.

    Raises:
        ModelError: if there is none.
    """
    try:
        is_folder = path.is_dir()
        file = path / MODEL if is_folder else path
        found = file.exists()
        if found:
            check_is_file(file)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); give a run's folder, or a model file"
        ) from None
    if not found and is_folder and has_checkpoint(path):
        raise ModelError(
            f"{path} is a run that was stopped; `handgrad train --resume {path}` ends it"
        )
    if not found:
        raise ModelError(
            f"{path} is no run: there is no {'file ' + MODEL if is_folder else 'such path'}"
            "; give the folder that `handgrad train` named, or a model file"
        )
    return file


def load_validation(
    about: Mapping[str, Any], folder: Path | None = None, **options: Any
) -> Dataset:
    """Return the images that a run set aside and did not learn from.

    Args:
        about: what the model file remembers.
        folder: where the files lie; None: as in training.
        options: further arguments of `handgrad.load`.

    Raises:
        ConfigError: if the file does not say which, or none were set aside.
        DataError: if they cannot be had any more.
    """
    config, own = about.get("config"), about.get("data")
    share = config.get("validation") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(own, Mapping) or share is None:
        raise ConfigError("the model file does not say what it was trained on; train it again")
    if not share:
        raise ConfigError(
            "the run set no images aside; give others by --data, or train with --validation 0.1"
        )
    name, seed = own.get("name"), config.get("seed", 0)
    if folder is None and not is_user_data(str(name)):
        folder = config.get("folder")
    whole = isinstance(share, float) and 0 < share < 1 and type(seed) is int and seed >= 0
    if not (whole and isinstance(name, str) and isinstance(folder, str | Path | None)):
        raise ConfigError(EDITED)
    train, _ = load_data(name, folder, **options)
    if train.digest() != own.get("digest"):
        raise DataError(
            f"{train.name}: these are not the images that the model was trained on, by their "
            "digest; put those back, or train it again"
        )
    return train.split(share, seed)[1]


def load_test(
    about: Mapping[str, Any], data: str | None = None, folder: Path | None = None, **options: Any
) -> Dataset:
    """Return the test images that belong to a run.

    Args:
        about: what the model file remembers.
        data: the name of other data; None: that of the run.
        folder: where the files lie; None: as in training.
        options: further arguments of `handgrad.load`.

    Raises:
        ConfigError: if nothing says which data, or there is none of that name.
        DataError: if it cannot be had, or may hold images that the model has learned from.
    """
    own, config = about.get("data"), about.get("config")
    name = data or (own.get("name") if isinstance(own, Mapping) else None)
    if not isinstance(name, str):
        raise ConfigError("the model file does not say what it was trained on; give --data")
    if folder is None and data is None and isinstance(config, Mapping) and not is_user_data(name):
        folder = config.get("folder")
    train, test = load_data(name, folder, **options)
    if data is None and isinstance(own, Mapping) and is_user_data(name):
        _check_test(train, test, own)
    return test


def _check_test(train: Dataset, test: Dataset, own: Mapping[str, Any]) -> None:
    """Raise a DataError if the test was drawn anew; say if it is another that was given."""
    from handgrad.data.user_data import lacks_test_split  # it loads Pillow

    if train.digest() != own.get("digest") and lacks_test_split(expanded(str(own["name"]))):
        raise DataError(
            f"{train.name}: the images are others than when the model was trained, and a test "
            "drawn from them may hold some that it has learned from; put the old ones back, train "
            "it again, or give new ones by --data"
        )
    if test.digest() != own.get("test_digest", test.digest()):
        _log.warning("handgrad: %s: others than when the model was trained", test.name)


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    return {
        "handgrad": handgrad.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _write_history(history: History, folder: Path) -> None:
    """Write the records as a table and as JSON."""
    summary = {
        "stopped_early": history.stopped_early,
        "best_epoch": history.best_epoch,
        "epochs": [record._asdict() for record in history],
    }
    _write_text(folder / "history.json", json.dumps(summary, indent=2) + "\n")
    with (
        replacing(folder / "history.csv") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(Epoch._fields)
        table.writerows(history)


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
