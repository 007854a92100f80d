"""`handgrad auto`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.exit_codes import INTERRUPTED
from handgrad.cli.options import DataDir, Json, Mlflow, Quiet, Tensorboard, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.files import DATA_FORMS

if TYPE_CHECKING:
    from handgrad.automl import SearchResult


def auto(
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"Path of your own images: {DATA_FORMS}; "
            "or the name of a data set: digits, mnist, fashion-mnist or kmnist.",
            show_default=False,
        ),
    ],
    minutes: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Time limit in minutes, which includes the time to read the data and to write "
            "the report.",
        ),
    ] = 5.0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the model and the report. Default: runs/DATA-auto-N, with the first "
            "free number N.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Seed of all random choices, such as the initial weights, the order of the images "
            "and the choice of the validation images.",
        ),
    ] = 0,
    data_dir: DataDir = None,
    tensorboard: Tensorboard = False,
    mlflow: Mlflow = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Search for the best model within a time budget.

    The search trains candidates that differ in preprocessing, network, learning rate and
    augmentation, and compares them on validation images. Then it trains the best candidate for the
    rest of the time, and writes the model and an HTML report.

    Ctrl-C ends the search early. The best model so far and its report are kept.
    """
    from handgrad.automl import base_config, check_minutes, describe, run_search, save
    from handgrad.cli.search_chart import show_progress
    from handgrad.runs import start_run
    from handgrad.tracking import check_trackers

    screen = Screen(quiet)
    check_minutes(minutes)
    check_trackers(tensorboard=tensorboard, mlflow=mlflow)
    base = base_config(data, seed=seed, data_dir=data_dir)
    if verbose:
        show_versions(screen, data=base.data)
    with start_run(out, f"{base.data_name}-auto") as run:
        with show_progress(screen.err, 60 * minutes) as on_progress:
            result = run_search(base, minutes, on_progress=on_progress, progress=screen.progress)
        with screen.err.status("writing the report"):
            report = save(result, run, tensorboard=tensorboard, mlflow=mlflow)
    if json:
        screen.json(_plain(result, run, report), ok=not result.interrupted)
    else:
        screen.info(f"chosen: {describe(result.config)}; {result.calibration}")
        screen.result(f"test {result.evaluation}")
        screen.result(f"wrote the model to {run} and the report to {report}")
    if result.interrupted:
        screen.error("interrupted; the best model so far is kept")
        raise typer.Exit(INTERRUPTED)


def _plain(result: SearchResult, run: Path, report: Path) -> dict[str, Any]:
    """Return the result of a search as JSON data."""
    test = result.evaluation
    return {
        "run": str(run),
        "report": str(report),
        "test": {
            "accuracy": test.accuracy,
            "loss": test.loss,
            "correct": test.correct,
            "count": test.count,
        },
        "config": result.config.plain(),
        "calibration": result.calibration,
        "seconds": round(result.seconds, 1),
        "trials": len(result.search.trials),
        "interrupted": result.interrupted,
    }
