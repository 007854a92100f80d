"""`handgrad calibrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from handgrad.cli.options import DataName, Folder, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, show_versions, table

if TYPE_CHECKING:
    from handgrad.calibration import Reliability


def calibrate(
    *,
    run: RunPath,
    precision: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Share of the sure answers that shall be right, such as 0.99. Default: all "
            "answers are sure.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Make a model's probabilities mean what they say, by the images that its run set aside.

    With --data by others, which it has not learned from. A temperature is fitted, and with
    --precision a threshold chosen. Both go into the model file.

    Below the threshold `handgrad predict` says that it does not know.
    """
    from handgrad.calibration import against_calibrating, calibrate, reliability
    from handgrad.classifier import read_bundle, save_model
    from handgrad.runs import load_others, load_validation, model_file
    from handgrad.train.evaluate import check_classes

    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engine="reference")
    file = model_file(run)
    bundle = read_bundle(file)
    net = bundle.net
    bar = False if quiet else None
    options: dict[str, Any] = {"progress": bar, "preprocessing": net.preprocessing}
    if data is None:
        chosen = load_validation(bundle.about, folder, **options)
    else:
        chosen = load_others(bundle.about, data, folder, **options)
    check_classes(net, chosen)
    images, labels = chosen[:]
    Z = net.logits(images)
    net.calibration = calibrate(Z, labels, precision=precision)
    save_model(net, file, bundle.about, golden=bundle.golden.recalibrated(net))
    if doubt := against_calibrating(Z, labels):
        screen.warning(f"{doubt}; believe these probabilities less than they say")

    reliable = reliability(net.calibration.probabilities(Z), labels, bins=10)
    if json:
        rows = zip(*vars(reliable).values(), strict=True)
        bins = [{"answers": int(n), "believed": b, "right": r} for n, b, r in rows if n]
        screen.json(net.calibration.to_json() | {"reliability": bins})
    else:
        screen.result(str(net.calibration))
        screen.result(_table(reliable))


def _table(found: Reliability) -> Table:
    """Return how often answers are right, by how probable they were called."""
    rows: list[list[Any]] = []
    for k, count in enumerate(found.counts):
        if count:
            between = f"{k / len(found.counts):.0%} to {(k + 1) / len(found.counts):.0%}"
            rows.append([between, count, f"{found.confidence[k]:.2%}", f"{found.accuracy[k]:.2%}"])
    return table(["probability", ">answers", ">believed", ">right"], rows)
