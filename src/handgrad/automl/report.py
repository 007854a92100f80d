"""The report of an automatic search: one self-contained HTML page with embedded figures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from handgrad import plots
from handgrad.automl.candidates import describe
from handgrad.automl.reasons import reasons
from handgrad.automl.result import SearchResult
from handgrad.automl.search import STAGES
from handgrad.automl.trial import Trial, standard_error
from handgrad.calibration import Calibration, reliability
from handgrad.data.formats.reader import describe_skipped
from handgrad.html import data_uri, image_uri, render
from handgrad.ood import ACCEPTED

MISTAKES = 24


def report(result: SearchResult, folder: Path) -> str:
    """Render the report as HTML.

    Args:
        result: the result of the search.
        folder: the folder of the model; it appears in the commands on the page.
    """
    return render(
        "auto_report.html",
        title=f"handgrad auto: {result.splits.all_but_test.name}",
        accuracy=f"{result.evaluation.accuracy:.1%}",
        facts=_facts(result),
        refitted=result.refitted is not None,
        timeline=_timeline(result),
        trials=_trials(result),
        reasons=reasons(result),
        images=_images(result),
        issues=result.profile.issues,
        curves=_svg(plots.learning_curves(result.chosen.history)),
        kept_epoch=_kept_epoch(result),
        confusion=_svg(plots.confusion(result.evaluation.confusion, result.classifier.classes)),
        classes=_classes(result),
        corrupted=_corrupted(result),
        calibration=_calibrated(result),
        commands=_commands(result, folder),
        **_mistakes(result),
    )


def _facts(result: SearchResult) -> list[tuple[str, str]]:
    """Return the facts that are shown next to the test accuracy, as (name, value) pairs."""
    evaluation, budget = result.evaluation, result.search.budget.seconds
    margin = 2 * standard_error(evaluation.accuracy, evaluation.count)
    stopped = ", interrupted" if result.interrupted else ""
    images = result.splits.all_but_test
    correct = f"{evaluation.correct:,} of {evaluation.count:,} images correct"
    return [
        ("test", f"{correct}; sampling error ± {margin:.1%}"),
        ("chosen", describe(result.config)),
        (
            "data",
            "; ".join(
                [
                    f"{len(images):,} images, {len(result.classifier.classes)} classes",
                    *filter(None, [images.summary, describe_skipped(images.skipped, 10)]),
                ]
            ),
        ),
        ("time", f"{result.seconds:.0f} of {budget:.0f} s, including the test{stopped}"),
        ("probabilities", _summary(result)),
    ]


def _timeline(result: SearchResult) -> str:
    """Draw the accuracy of all trials over time."""
    curves = [
        plots.TrialCurve(
            t.times, [r.validation_accuracy or 0 for r in t.records], t is result.chosen
        )
        for t in result.search.trials
        if t.is_valid
    ]
    return _svg(plots.trial_timeline(curves, result.search.budget.seconds))


def _trials(result: SearchResult) -> dict[str, Any]:
    """Return the table of all trials, including the final training run on all images."""
    trials = result.search.trials
    return {
        "headings": [">accuracy", "candidate", ">loss", "stage", ">epochs", ">images", ">seconds"],
        "rows": [_row(t) for t in [*trials, *([result.refitted] if result.refitted else [])]],
        "highlighted": [n for n, trial in enumerate(trials) if trial is result.chosen],
    }


def _row(trial: Trial) -> list[str]:
    """Return the table row of a trial."""
    epochs = f"{len(trial.records)} of {trial.config.epochs}"
    accuracy, loss = "diverged" if trial.diverged else "-", "-"
    if trial.is_valid and trial.config.validation:
        accuracy, loss = f"{trial.accuracy:.2%}", f"{trial.loss:.3f}"
    stage, images, seconds = STAGES[trial.stage], f"{trial.images:,}", f"{trial.seconds:.1f}"
    return [accuracy, describe(trial.config), loss, stage, epochs, images, seconds]


def _images(result: SearchResult) -> dict[str, Any]:
    """Return the table of the number of images per class."""
    images, test = result.splits.all_but_test, result.splits.test
    counts = zip(images.classes, images.counts, test.counts, strict=True)
    return {
        "headings": ["class", ">images", ">test"],
        "rows": [(label, f"{n:,}", f"{m:,}") for label, n, m in counts],
    }


def _kept_epoch(result: SearchResult) -> str:
    """Return a note on the trial whose learning curves are shown and the epoch that is kept."""
    if result.refitted:
        return "These are the curves of the chosen trial, before it was trained on all images."
    kept = result.chosen.records[result.chosen.kept].number
    if result.chosen.is_complete:
        return f"The weights of the last epoch, {kept}, are kept."
    return f"The weights of epoch {kept}, the most accurate before the time was up, are kept."


def _classes(result: SearchResult) -> dict[str, Any]:
    """Return the table of each class's accuracy and the class it is most often confused with."""
    rows = []
    for k, label in enumerate(result.classifier.classes):
        counts = result.evaluation.confusion[k].copy()
        count, correct = counts.sum(), counts[k]
        counts[k] = 0
        worst = int(counts.argmax())
        confused = f"{result.classifier.classes[worst]} ({counts[worst]})" if counts[worst] else ""
        rows.append([label, f"{count:,}", f"{correct / count:.1%}" if count else "-", confused])
    return {"headings": ["class", ">test", ">correct", "most often confused with"], "rows": rows}


def _mistakes(result: SearchResult) -> dict[str, Any]:
    """Return the misclassified test images with the highest predicted probability."""
    p = _calibration(result).probabilities(result.logits)
    test, guess = result.splits.test, p.argmax(axis=1)
    wrong = np.flatnonzero(guess != test.labels)
    worst = wrong[np.argsort(-p.max(axis=1)[wrong], kind="stable")][:MISTAKES]
    mistakes = [
        {
            "source": image_uri(test.images[n]),
            "predicted": test.classes[guess[n]],
            "probability": f"{p[n].max():.1%}",
            "label": test.classes[test.labels[n]],
        }
        for n in worst
    ]
    return {"mistakes": mistakes, "mistake_count": len(wrong)}


def _corrupted(result: SearchResult) -> dict[str, Any] | None:
    """Return a bar chart of the accuracy on corrupted images, or None if it was not measured."""
    corrupted = result.robustness
    if corrupted is None:
        return None
    accuracy = {"none": corrupted.clean.accuracy}
    accuracy |= {name: each.accuracy for name, each in corrupted.corrupted.items()}
    accuracy["mean of the corruptions"] = corrupted.accuracy
    rows = [(name, share, f"{share:.1%}") for name, share in accuracy.items()]
    return {"count": corrupted.clean.count, "rows": rows}


def _calibrated(result: SearchResult) -> dict[str, str]:
    """Return a text about the calibration of the probabilities on the test images."""
    y, calibrated = result.splits.test.labels, _calibration(result)
    after = reliability(calibrated.probabilities(result.logits), y)
    before = reliability(Calibration().probabilities(result.logits), y)
    changed = result.classifier.calibration is not None
    error = f"Expected calibration error on the test images: {after.error:.2%}"
    error += f", {before.error:.2%} before calibration." if changed else "."
    if (ood := result.classifier.ood) is not None:
        test = result.classifier.pixels(result.splits.test)
        unlike = ood.is_unlike(result.classifier.network, test, result.logits)
        error += (
            f" The out-of-distribution score accepts {1 - unlike.mean():.2%} of the test images; "
            f"its threshold was chosen to accept {ACCEPTED:.0%} of the validation images."
        )
    return {
        "summary": f"{_summary(result).capitalize()}.",
        "error": error,
        "diagram": _svg(plots.reliability(after, before if changed else None)),
    }


def _commands(result: SearchResult, folder: Path) -> list[str]:
    """Return commands that use the model, for the user to copy."""
    others = " --data other-images" if result.refitted else ""
    run = shlex.quote(str(folder))
    return [
        f"handgrad predict {run} image.png",
        f"handgrad evaluate {run} --data other-images",
        f"handgrad calibrate {run}{others} --precision 0.99   # abstain below a threshold",
        f"handgrad export {run} --onnx m.onnx",
        f"handgrad train --config {shlex.quote(str(folder / 'config.toml'))}",
    ]


def _summary(result: SearchResult) -> str:
    return result.calibration.replace("->", "→")


def _calibration(result: SearchResult) -> Calibration:
    return result.classifier.calibration or Calibration()


def _svg(figure: Any) -> str:
    """Render a matplotlib figure as an SVG image in a data URI."""
    return data_uri(plots.rendered(figure, ".svg"), "image/svg+xml")
