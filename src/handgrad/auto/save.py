"""What is left of it: the folder of a run, and a report beside the model."""

from __future__ import annotations

import logging
from pathlib import Path

from handgrad.auto.pipeline import Outcome
from handgrad.auto.reasons import reasons
from handgrad.auto.report import report
from handgrad.errors import ConfigError
from handgrad.files import replacing
from handgrad.runs import Run, finish
from handgrad.runs import write as write_run
from handgrad.tracking import tracking

REPORT = "report.html"

_log = logging.getLogger("handgrad")


def write(
    outcome: Outcome, folder: Path, *, tensorboard: bool = False, mlflow: bool = False
) -> Path:
    """Write model, settings, history and report, and return where the report is.

    Args:
        outcome: what came of it.
        folder: the run's folder.
        tensorboard: whether to write the history as events for TensorBoard too.
        mlflow: whether to tell it to MLflow too: see `tracking`.

    Raises:
        StorageError: if it cannot be written.
        MissingExtraError: if a package is missing.
    """
    run = Run(
        outcome.config,
        outcome.classifier,
        outcome.final.history,
        outcome.parts.images,
        outcome.parts.test,
        outcome.evaluation,
        more={"fit": {"seconds": round(outcome.seconds, 1), "why": dict(reasons(outcome))}},
    )
    write_run(run, folder)
    page = report(outcome, folder)
    with replacing(folder / REPORT) as part:
        part.write_text(page, encoding="utf-8")
    told = {"tensorboard": tensorboard, "mlflow": mlflow}
    try:
        with tracking(folder, outcome.config.plain(), outcome.final.records, **told):
            pass
    except ConfigError as error:  # all is kept in the folder
        _log.warning("handgrad: %s", error)
    finish(folder)
    return folder / REPORT
