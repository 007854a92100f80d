"""The files of a finished run: the model with its scores, the settings, history and figures."""

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
from numpy.typing import NDArray

import handgrad
from handgrad import ood
from handgrad.calibration import calibrate, reason_against_calibrating
from handgrad.classifier import MODEL, Classifier, read_bundle
from handgrad.data import Dataset
from handgrad.errors import ModelError, did_you_mean
from handgrad.files import check_is_file, replacing
from handgrad.runs.config import RunConfig
from handgrad.runs.folder import has_checkpoint
from handgrad.runs.trained_on import digest_of_all, image_digests, write_digests
from handgrad.train import Epoch, Evaluation, History, evaluate
from handgrad.train.evaluate import scaled_for

IMAGES_SHOWN = 36

_log = logging.getLogger("handgrad")


@dataclass(frozen=True)
class Run:
    """The results of a training run.

    Attributes:
        config: the settings.
        classifier: the trained classifier.
        history: one record per epoch.
        train: the images used for training and validation.
        test: the test images.
        evaluation: the evaluation on the test images.
        more: additional metadata for the model file, as JSON values.
        trained_before: the hashes of the images that the network was trained on before this run.
    """

    config: RunConfig
    classifier: Classifier
    history: History
    train: Dataset
    test: Dataset
    evaluation: Evaluation
    more: Mapping[str, Any] = field(default_factory=dict)
    trained_before: NDArray[np.uint64] | None = None


def write(run: Run, folder: Path) -> str | None:
    """Write all files of a finished run into its folder.

    Returns:
        A message if some figures could not be drawn, otherwise None.
    """
    digests = image_digests(run.train.images)
    if run.trained_before is not None:
        digests = np.union1d(digests, run.trained_before)
    described = about(run) | {"training_images": digest_of_all(digests)}
    run.classifier.save(folder / MODEL, described, golden=run.test.images)
    write_digests(digests, folder)
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
    """Return the metadata for the model file of a run, as JSON data."""
    return {
        "data": {
            "name": run.config.data,
            "digest": run.train.digest(),
            "test_digest": run.test.digest(),
            **describe_data(run.train),
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


def describe_data(train: Dataset) -> dict[str, Any]:
    """Return how the training data was interpreted and what was left out, as JSON data."""
    return {
        "summary": train.summary,
        "skipped": [{"path": path, "reason": reason} for path, reason in train.skipped],
    }


def draw(run: Run, folder: Path) -> None:
    """Write the figures of a run as PNG files."""
    from handgrad import plots

    test, classes, confusion = run.test, run.classifier.classes, run.evaluation.confusion
    p = run.classifier.predict_proba(test)
    few = slice(IMAGES_SHOWN)
    X, y = test[few]
    figures = {
        "learning-curves": plots.learning_curves(run.history),
        "predictions": plots.predictions(X, y, p[few].argmax(axis=1), classes, p[few]),
        "confusion-counts": plots.confusion(confusion, classes),
        "confusion-rows": plots.confusion(confusion, classes, rows=True),
        "mistakes": plots.confident_mistakes(test.images, test.labels, p, classes),
    }
    with suppress(ModelError):  # the first weights may not apply to pixels
        figures["first-layer-weights"] = plots.first_layer_weights(run.classifier)
    for name, figure in figures.items():
        plots.save(figure, folder / f"{name}.png")


def load_run(path: Path) -> tuple[Classifier, dict[str, Any]]:
    """Return the classifier of a run and the metadata in its model file (see `about`).

    Args:
        path: the folder of the run, or the model file itself.

    Raises:
        ModelError: if there is no model file, or if it cannot be read.
    """
    bundle = read_bundle(model_file(path))
    return bundle.classifier, bundle.about


def model_file(path: Path) -> Path:
    """Return the path of the model file of a run.

    Args:
        path: the folder of the run, or the model file itself.

    Raises:
        ModelError: if there is no model file.
    """
    try:
        is_folder = path.is_dir()
        file = path / MODEL if is_folder else path
        found = file.exists()
        if found:
            check_is_file(file)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); give the folder of a run, or a model file"
        ) from None
    if not found and is_folder and has_checkpoint(path):
        raise ModelError(
            f"{path} is an interrupted run; `handgrad train --resume {path}` completes it"
        )
    if not found:
        raise ModelError(
            f"{path} is not a run: it "
            f"{'has no file ' + MODEL if is_folder else 'does not exist'}"
            f"{'' if is_folder else _similar_path(path)}; give the folder of a finished run, or a "
            "model file"
        )
    return file


def _similar_path(path: Path) -> str:
    """Return "; did you mean ...?" if a path with a similar name exists in the same folder."""
    try:
        return did_you_mean(str(path), [str(beside) for beside in path.parent.iterdir()])
    except OSError:
        return ""


def calibrate_on(classifier: Classifier, validation: Dataset, train: Dataset | None = None) -> str:
    """Calibrate a classifier if there are enough validation images, and return a sentence about it.

    Args:
        classifier: the classifier; its calibration and out-of-distribution score are replaced.
        validation: images that the classifier was not trained on.
        train: the images that it was trained on, or None to leave the out-of-distribution score as
            it is.

    Returns:
        A sentence that describes the calibration, or why there was none.
    """
    validation = scaled_for(classifier, validation)
    Z = classifier.logits(validation)
    failure = evaluate(classifier, validation, logits=lambda _: Z).failure
    if failure:
        return f"not calibrated: {failure}"
    if train is not None and len(validation) >= ood.MIN_IMAGES:
        train = scaled_for(classifier, train)
        classifier.ood = ood.fit_ood(classifier.network, train, validation, Z)
    if reason := reason_against_calibrating(Z, validation.labels):
        return f"not calibrated: {reason}"
    classifier.calibration = calibrate(Z, validation.labels)
    return f"calibrated, {classifier.calibration}"


def versions() -> dict[str, str]:
    """Return the versions of handgrad, NumPy and Python."""
    return {
        "handgrad": handgrad.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _write_history(history: History, folder: Path) -> None:
    """Write the history of a run as a CSV file and as a JSON file."""
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
