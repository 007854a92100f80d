"""`handgrad calibrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from handgrad.cli.options import DataDir, DataName, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, show_versions, table

if TYPE_CHECKING:
    from pathlib import Path

    from handgrad.calibration import Reliability
    from handgrad.classifier import Bundle
    from handgrad.data import Dataset


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

    Use --data to calibrate on other images: all images of your own data, or the test images of a
    standard data set. Images that the model was trained on are left out. The temperature is stored
    in the model file, unless it makes the probabilities worse.

    Without --data, the out-of-distribution score is fitted too: images with a score above its
    threshold are unlike the training data, and `handgrad predict` answers "don't know".

    Use --precision to choose and store a threshold as well. If the probability of an answer is
    below the threshold, `handgrad predict` answers "don't know".
    """
    from handgrad import ood
    from handgrad.calibration import (
        MIN_IMAGES,
        calibrate,
        reason_against_calibrating,
        reliability,
    )
    from handgrad.classifier import read_bundle
    from handgrad.errors import ModelError
    from handgrad.runs import load_validation, model_file
    from handgrad.train import evaluate
    from handgrad.train.evaluate import check_classes

    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engine="reference")
    file = model_file(run)
    bundle = read_bundle(file)
    classifier = bundle.classifier
    if data is None:
        steps = classifier.preprocessing
        train, chosen = load_validation(
            bundle.about, data_dir, progress=screen.progress, preprocessing=steps
        )
    else:
        train, chosen = None, _new_images(screen, file, bundle, data, data_dir)
    check_classes(classifier, chosen)
    labels = chosen.labels
    Z = classifier.logits(chosen)
    if failure := evaluate(classifier, chosen, logits=lambda _: Z).failure:
        raise ModelError(
            f"{file}: cannot be calibrated: {failure}; train again with a lower learning rate, or "
            "give other images"
        )
    reason = reason_against_calibrating(Z, labels, min_images=1)
    temperature = 1.0 if reason else None
    if reason:
        screen.warning(f"not calibrated: {reason}")
    elif len(labels) < MIN_IMAGES:
        screen.warning(
            f"{len(labels)} images are too few to fit a temperature; the calibrated probabilities "
            "are unreliable"
        )
    calibration = calibrate(Z, labels, precision=precision, temperature=temperature)
    classifier.calibration = None if reason and precision is None else calibration
    if train is not None and len(chosen) >= ood.MIN_IMAGES:
        classifier.ood = ood.fit_ood(classifier.network, train, chosen, Z)
    golden = bundle.golden.recalibrated(classifier.component_hashes())
    classifier.save(file, bundle.about, golden=golden)

    has_score = classifier.ood is not None
    reliable = reliability(calibration.probabilities(Z), labels)
    if json:
        rows = zip(*vars(reliable).values(), strict=True)
        bins = [{"answers": int(n), "confidence": b, "accuracy": r} for n, b, r in rows if n]
        screen.json(
            calibration.to_json()
            | {"reliability": bins, "reason_against_calibrating": reason, "ood_score": has_score}
        )
    else:
        screen.result(str(calibration))
        if classifier.ood is not None:
            screen.result(str(classifier.ood))
        screen.result(_table(reliable))


def _new_images(
    screen: Screen, file: Path, bundle: Bundle, data: str, data_dir: Path | None
) -> Dataset:
    """Return the images of `--data` that the model was not trained on, and say how many they are.

    Args:
        screen: the screen to print to.
        file: the model file.
        bundle: its content.
        data: the value of `--data`.
        data_dir: the value of `--data-dir`.

    Raises:
        DataError: if the model was trained on all images.
    """
    from handgrad.errors import DataError
    from handgrad.runs import (
        is_test_data_of,
        knows_all_training_images,
        load_all,
        used_in_training,
    )

    found = load_all(data, bundle.classifier, data_dir, screen.progress)
    seen = used_in_training(file, bundle.about, bundle.classifier, found, data)
    if seen is None:
        screen.warning(
            "it is unknown whether the model was trained on some of these images, because the "
            "model file has no list of its training images beside it"
        )
    elif seen.all():
        raise DataError(
            f"{found.name}: the model was trained on all {len(found):,} images; give other images"
        )
    elif seen.any():
        screen.info(
            f"{found.name}: {seen.sum():,} of {len(found):,} images are left out, because the "
            "model was trained on them"
        )
        found = found.take(~seen)
    if seen is not None and not knows_all_training_images(bundle.about):
        screen.warning(
            "the model may have been trained on more of these images, because it continued the "
            "training of a model whose training images are not all known"
        )
    if is_test_data_of(bundle.about, data):
        screen.warning(
            f"{found.name}: these are test images of the run; after calibration on them, they are "
            "no longer independent test images"
        )
    return found


def _table(found: Reliability) -> Table:
    """Return the reliability diagram of a calibrated model as a table."""
    rows: list[list[Any]] = []
    for k, count in enumerate(found.counts):
        if count:
            between = f"{k / len(found.counts):.1%} to {(k + 1) / len(found.counts):.1%}"
            rows.append([between, count, f"{found.confidence[k]:.2%}", f"{found.accuracy[k]:.2%}"])
    return table(["probability", ">answers", ">confidence", ">accuracy"], rows)
