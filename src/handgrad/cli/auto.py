"""`handgrad fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli.options import Folder, Mlflow, Quiet, Tensorboard, Verbose
from handgrad.cli.screen import Screen, show_versions

INTERRUPTED = 130


def auto(
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Images of your own, FOLDER with FOLDER/CLASS/*.png, an NPZ or a CSV file; "
            "or digits, mnist, fashion-mnist, kmnist.",
            show_default=False,
        ),
    ],
    minutes: Annotated[
        float, typer.Option(metavar="X", help="How long it may take, from here to the report.")
    ] = 5.0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to put model and report. Default: runs/DATA-fit-1, -2 and so on.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Decides initial weights, split, order, dropout, augmentation. Default: 0.",
            show_default=False,
        ),
    ] = 0,
    folder: Folder = None,
    tensorboard: Tensorboard = False,
    mlflow: Mlflow = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Make the best model of images that some minutes allow, with nothing to set.

    Tries preprocessings, networks, learning rates and augmentations on images set aside.

    Trains what is best with the time that is left. Leaves the model and a report for the browser.

    Ctrl-C ends the search before its time: the best so far is kept, with its report.
    """
    from handgrad.auto import beginning, check_minutes, fit, words, write
    from handgrad.cli.race import watching
    from handgrad.runs import begun
    from handgrad.tracking import check_trackers

    screen = Screen(quiet)
    check_minutes(minutes)
    check_trackers(tensorboard=tensorboard, mlflow=mlflow)
    base = beginning(data, seed=seed, folder=folder)
    if verbose:
        show_versions(screen, data=base.data)
    with begun(out, f"{base.data_name}-fit") as place:
        with watching(screen.err, 60 * minutes) as watch:
            outcome = fit(base, minutes, watch=watch, progress=False if quiet else None)
        with screen.err.status("drawing, writing"):
            report = write(outcome, place, tensorboard=tensorboard, mlflow=mlflow)
    screen.info(f"chosen: {words(outcome.config)}; {outcome.trust}")
    screen.result(f"test {outcome.evaluation}")
    screen.result(f"model in {place}, report in {report}")
    if outcome.interrupted:
        screen.error("interrupted; the best so far is kept")
        raise typer.Exit(INTERRUPTED)
