"""A run's folder: the model, how it was trained, how good it is, and what one sees of it.

model.safetensors      the network; with it data, settings, versions and scores
config.toml            the settings; `handgrad train --config` takes them again
history.csv, .json     one record for each epoch
figures/               learning curves, weights, predictions, confusion, mistakes
"""

from __future__ import annotations

import csv
import errno
import itertools
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import handgrad
from handgrad.bundle import about_model, load_model, save_model
from handgrad.config import Config
from handgrad.data import Dataset, load
from handgrad.errors import ConfigError, ModelError, StorageError
from handgrad.files import replacing
from handgrad.losses import softmax
from handgrad.network import Network
from handgrad.training import Epoch, Evaluation, History

RUNS = Path("runs")
MODEL = "model.safetensors"
UNFINISHED = ".unfinished-"
DAY = 24 * 60 * 60
PICTURES_SHOWN = 36


@dataclass(frozen=True)
class Run:
    """What a training run leaves behind.

    Attributes:
        config: the settings.
        net: the trained network.
        history: one record for each epoch.
        train: the pictures it was trained and validated on.
        test: the pictures it was tested on.
        evaluation: how it did on them.
    """

    config: Config
    net: Network
    history: History
    train: Dataset
    test: Dataset
    evaluation: Evaluation


@contextmanager
def unfinished(out: Path | None) -> Iterator[Path]:
    """Give a hidden folder for a run in the making, beside the place where it will lie.

    However the block ends, what has not been settled by then is removed; what a killed process
    could not remove goes when the next run starts there, a day or more later.

    Args:
        out: where the run is to lie; None: in ``runs``.

    Raises:
        ConfigError: if that place is taken or cannot be written to.
    """
    if out is not None:
        _check_free(out)
    parent = RUNS if out is None else out.parent
    hidden = parent / f"{UNFINISHED}{secrets.token_hex(4)}"
    try:
        made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        hidden.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(parent, error) from None
    _remove_forgotten(parent)
    try:
        yield hidden
    except StorageError as error:
        if isinstance(error.__cause__, OSError) and str(hidden) in str(error):
            raise _unwritable(out or RUNS, error.__cause__) from error.__cause__
        raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        with suppress(OSError):  # not empty: a run has been settled there
            for folder in made:
                folder.rmdir()


def settle(hidden: Path, out: Path | None, name: str) -> Path:
    """Give a finished run its place in one step, and return it.

    Args:
        hidden: the folder that `unfinished` gave.
        out: the place; None: the first free one of ``runs/NAME-1``, ``runs/NAME-2`` and so on.
        name: what to call it there.

    Raises:
        ConfigError: if the place has been taken meanwhile.
    """
    if out is not None:
        if not _takes(hidden, out):
            raise ConfigError(f"{out} has been filled meanwhile; give --out another name")
        return out
    places = (RUNS / f"{name}-{number}" for number in itertools.count(1))
    return next(place for place in places if not place.exists() and _takes(hidden, place))


def write(run: Run, folder: Path) -> str | None:
    """Write all files of a run into a folder.

    Returns:
        Why figures are missing, if they could not be drawn: that is not worth losing the run.
    """
    save_model(run.net, folder / MODEL, about(run))
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
        "data": {"name": run.config.data, "digest": run.train.digest()},
        "seed": run.config.seed,
        "config": run.config.plain(),
        "versions": versions(),
        "scores": {
            "test_accuracy": run.evaluation.accuracy,
            "test_loss": run.evaluation.loss,
            "test_pictures": run.evaluation.count,
            "epochs": len(run.history),
            "best_epoch": run.history.best_epoch,
        },
    }


def draw(run: Run, folder: Path) -> None:
    """Write the figures of a run as PNG files."""
    from handgrad import plots

    test, classes, confusion = run.test, run.net.classes, run.evaluation.confusion
    p = softmax(run.net.logits(test.pictures))
    few = slice(PICTURES_SHOWN)
    X, y = test[few]
    figures = {
        "learning-curves": plots.learning_curves(run.history),
        "predictions": plots.predictions(X, y, p[few].argmax(axis=1), classes, p[few]),
        "confusion-counts": plots.confusion(confusion, classes),
        "confusion-rows": plots.confusion(confusion, classes, rows=True),
        "mistakes": plots.confident_mistakes(test.pictures, test.labels, p, classes),
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
    try:
        is_folder = path.is_dir()
        file = path / MODEL if is_folder else path
        found = file.is_file()
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); give a run's folder, or a model file"
        ) from None
    if not found:
        raise ModelError(
            f"{path} is no run: there is no {'file ' + MODEL if is_folder else 'such path'}"
            "; give the folder that `handgrad train` named, or a model file"
        )
    return load_model(file), about_model(file)


def load_test(
    about: Mapping[str, Any], data: str | None = None, folder: Path | None = None, **options: Any
) -> Dataset:
    """Return the test pictures that belong to a run.

    Args:
        about: what the model file remembers.
        data: the name of other data; None: that of the run.
        folder: where the files lie; None: as in training.
        options: further arguments of `handgrad.load`.

    Raises:
        ConfigError: if nothing says which data, or there is none of that name.
        DataError: if it cannot be had.
    """
    own, config = about.get("data"), about.get("config")
    name = data or (own.get("name") if isinstance(own, Mapping) else None)
    if not isinstance(name, str):
        raise ConfigError("the model file does not say what it was trained on; give --data")
    if folder is None and data is None and isinstance(config, Mapping):
        folder = config.get("folder")
    return load(name, folder, **options)[1]


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


def _remove_forgotten(parent: Path) -> None:
    """Remove the hidden folders of runs that were killed a day ago or earlier."""
    for folder in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):  # another run removed it first
            if time.time() - folder.stat().st_mtime > DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _takes(hidden: Path, place: Path) -> bool:
    """Move a folder to a place; say whether the place was free: missing, or an empty folder."""
    try:
        hidden.rename(place)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise _unwritable(place, error) from None
    return True


def _check_free(out: Path) -> None:
    """Raise a ConfigError unless a finished run can be moved to a place."""
    try:
        out.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unwritable(out, error) from None
    try:
        free = out.is_dir() and next(out.iterdir(), None) is None
        # A folder cannot be renamed to these, even where they are empty.
        fixed = out.is_symlink() or out.is_mount() or (free and out.samefile(Path.cwd()))
    except OSError as error:
        raise _unwritable(out, error) from None
    if fixed and (free or not out.exists()):
        raise ConfigError(
            f"{out} is a link, a mount point or the current folder, which a run cannot replace; "
            f"give --out a new name"
        )
    if not free:
        raise ConfigError(f"{out} is there already, and no empty folder; give --out another name")


def _unwritable(place: Path, error: OSError) -> ConfigError:
    reason = error.strerror or error
    return ConfigError(f"{place} cannot be written to ({reason}); give --out another place")
