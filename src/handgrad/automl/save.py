"""Saves the result of a search to a folder: the files of a training run, and the report."""

from __future__ import annotations

import logging
from pathlib import Path

from handgrad.automl.reasons import reasons
from handgrad.automl.report import report
from handgrad.automl.result import SearchResult
from handgrad.errors import ConfigError
from handgrad.files import replacing
from handgrad.runs import Run, finish, write
from handgrad.tracking import tracking

REPORT = "report.html"

_log = logging.getLogger("handgrad")


def save(
    result: SearchResult, folder: Path, *, tensorboard: bool = False, mlflow: bool = False
) -> Path:
    """Write the model, the settings, the history and the report.

    Args:
        result: the result of a search.
        folder: the run's folder.
        tensorboard: whether to also write the history as TensorBoard events.
        mlflow: whether to also log the history to MLflow: see `tracking`.

    Returns:
        The path of the report.

    Raises:
        StorageError: if a file cannot be written.
        MissingExtraError: if a required package is missing.
    """
    run = Run(
        result.config,
        result.classifier,
        result.final.history,
        result.splits.all_but_test,
        result.splits.test,
        result.evaluation,
        more={"auto": {"seconds": round(result.seconds, 1), "reasons": dict(reasons(result))}},
    )
    write(run, folder)
    page = report(result, folder)
    with replacing(folder / REPORT) as part:
        part.write_text(page, encoding="utf-8")
    trackers = {"tensorboard": tensorboard, "mlflow": mlflow}
    try:
        with tracking(folder, result.config.plain(), result.final.records, **trackers):
            pass
    except ConfigError as error:  # the result is in the folder all the same
        _log.warning("handgrad: %s", error)
    finish(folder)
    return folder / REPORT
