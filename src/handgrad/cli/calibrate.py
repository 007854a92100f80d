"""`handgrad calibrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from handgrad.cli.options import DataDir, DataName, Json, Quiet, RunPath, Verbose
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
            help="Choose a threshold so that this fraction (such as 0.99) of the answers with a "
            "probability above the threshold is correct. Default: no threshold.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Calibrate a model's probabilities (temperature scaling) on its validation set.

    Use --data to calibrate on other images; the model must not have been trained on them. The
    temperature is stored in the model file.

    Use --precision to choose and store a threshold as well. If the probability of an answer is
    below the threshold, `handgrad predict` answers "don't know".
    """
    from handgrad.calibration import calibrate, reason_against_calibrating, reliability
    from handgrad.classifier import read_bundle
    from handgrad.runs import load_held_out, load_validation, model_file
    from handgrad.train.evaluate import check_classes

    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engine="reference")
    file = model_file(run)
    bundle = read_bundle(file)
    classifier = bundle.classifier
    options: dict[str, Any] = {
        "progress": screen.progress,
        "preprocessing": classifier.preprocessing,
    }
    if data is None:
        chosen = load_validation(bundle.about, data_dir, **options)
    else:
        chosen = load_held_out(bundle.about, data, data_dir, **options)
    check_classes(classifier, chosen)
    labels = chosen.labels
    Z = classifier.logits(chosen)
    classifier.calibration = calibrate(Z, labels, precision=precision)
    golden = bundle.golden.recalibrated(classifier.component_hashes())
    classifier.save(file, bundle.about, golden=golden)
    if doubt := reason_against_calibrating(Z, labels):
        screen.warning(f"{doubt}; the calibrated probabilities are unreliable")

    reliable = reliability(classifier.calibration.probabilities(Z), labels, bins=10)
    if json:
        rows = zip(*vars(reliable).values(), strict=True)
        bins = [{"answers": int(n), "confidence": b, "accuracy": r} for n, b, r in rows if n]
        screen.json(classifier.calibration.to_json() | {"reliability": bins})
    else:
        screen.result(str(classifier.calibration))
        screen.result(_table(reliable))


def _table(found: Reliability) -> Table:
    """Return the reliability diagram of a calibrated model as a table."""
    rows: list[list[Any]] = []
    for k, count in enumerate(found.counts):
        if count:
            between = f"{k / len(found.counts):.0%} to {(k + 1) / len(found.counts):.0%}"
            rows.append([between, count, f"{found.confidence[k]:.2%}", f"{found.accuracy[k]:.2%}"])
    return table(["probability", ">answers", ">confidence", ">accuracy"], rows)
