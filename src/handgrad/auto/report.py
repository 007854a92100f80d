"""The report of an automatic search: one HTML page with its figures inside and no links."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from handgrad import plots
from handgrad.auto.candidates import words
from handgrad.auto.pipeline import Outcome
from handgrad.auto.reasons import reasons
from handgrad.auto.search import STAGES
from handgrad.auto.trial import Trial, standard_error
from handgrad.calibration import Calibration, reliability
from handgrad.html import data_uri, image_uri, render

MISTAKES = 24


def report(outcome: Outcome, folder: Path) -> str:
    """Render the report.

    Args:
        outcome: the result of the search.
        folder: the folder of the model, which the commands on the page name.
    """
    return render(
        "auto_report.html",
        title=f"handgrad fit: {outcome.parts.images.name}",
        accuracy=f"{outcome.evaluation.accuracy:.1%}",
        facts=_facts(outcome),
        refitted=outcome.again is not None,
        timeline=_timeline(outcome),
        trials=_trials(outcome),
        reasons=reasons(outcome),
        images=_images(outcome),
        issues=outcome.look.findings,
        curves=_svg(plots.learning_curves(outcome.chosen.history)),
        kept_epoch=_kept_epoch(outcome),
        confusion=_svg(plots.confusion(outcome.evaluation.confusion, outcome.net.classes)),
        classes=_classes(outcome),
        corrupted=_corrupted(outcome),
        calibration=_calibrated(outcome),
        commands=_commands(outcome, folder),
        **_mistakes(outcome),
    )


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the facts beside the score: names and values."""
    found, given = outcome.evaluation, outcome.search.clock.seconds
    margin = 2 * standard_error(found.accuracy, found.count)
    stopped = ", interrupted" if outcome.interrupted else ""
    return [
        ("test", f"{found.right:,} of {found.count:,} images correct; ± {margin:.1%} by chance"),
        ("chosen", words(outcome.config)),
        ("data", f"{len(outcome.parts.images):,} images, {len(outcome.net.classes)} classes"),
        ("time", f"{outcome.seconds:.0f} of {given:.0f} s, test included{stopped}"),
        ("probabilities", _summary(outcome)),
    ]


def _timeline(outcome: Outcome) -> str:
    """Draw the accuracy of all trials over time."""
    laps = [
        plots.Lap(t.times, [r.validation_accuracy or 0 for r in t.records], t is outcome.chosen)
        for t in outcome.search.trials
        if t.counts
    ]
    return _svg(plots.race(laps, outcome.search.clock.seconds))


def _trials(outcome: Outcome) -> dict[str, Any]:
    """Return the table of all trials, and of the final training on all images."""
    trials = outcome.search.trials
    return {
        "headings": [">accuracy", "tried", ">loss", "", ">epochs", ">images", ">seconds"],
        "rows": [_row(t) for t in [*trials, *([outcome.again] if outcome.again else [])]],
        "highlighted": [n for n, trial in enumerate(trials) if trial is outcome.chosen],
    }


def _row(trial: Trial) -> list[str]:
    """Return a trial as a row of the table."""
    epochs = f"{len(trial.records)} of {trial.config.epochs}"
    accuracy, loss = "diverged" if trial.diverged else "-", "-"
    if trial.counts and trial.config.validation:
        accuracy, loss = f"{trial.accuracy:.2%}", f"{trial.loss:.3f}"
    stage, images, seconds = STAGES[trial.stage], f"{trial.images:,}", f"{trial.seconds:.1f}"
    return [accuracy, words(trial.config), loss, stage, epochs, images, seconds]


def _images(outcome: Outcome) -> dict[str, Any]:
    """Return the table of the number of images of each class."""
    images, test = outcome.parts.images, outcome.parts.test
    counts = zip(images.classes, images.counts, test.counts, strict=True)
    return {
        "headings": ["class", ">images", ">test"],
        "rows": [(label, f"{n:,}", f"{m:,}") for label, n, m in counts],
    }


def _kept_epoch(outcome: Outcome) -> str:
    """Say whose learning curves are shown, and which epoch's weights are kept."""
    if outcome.again:
        return "These are the curves of the chosen trial, before the training on all images."
    kept = outcome.chosen.records[outcome.chosen.kept].number
    if outcome.chosen.complete:
        return f"The weights of epoch {kept}, the last, are kept."
    return f"The weights of epoch {kept} are kept, the most accurate before the time was over."


def _classes(outcome: Outcome) -> dict[str, Any]:
    """Return the table of the accuracy of each class and its most frequent confusion."""
    rows = []
    for k, label in enumerate(outcome.net.classes):
        counts = outcome.evaluation.confusion[k].copy()
        count, correct = counts.sum(), counts[k]
        counts[k] = 0
        worst = int(counts.argmax())
        confused = f"{outcome.net.classes[worst]} ({counts[worst]})" if counts[worst] else ""
        rows.append([label, f"{count:,}", f"{correct / count:.1%}" if count else "-", confused])
    return {"headings": ["class", ">test", ">correct", "most often confused with"], "rows": rows}


def _mistakes(outcome: Outcome) -> dict[str, Any]:
    """Return the misclassified test images with the highest probability."""
    p = _calibration(outcome).probabilities(outcome.logits)
    test, guess = outcome.parts.test, p.argmax(axis=1)
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


def _corrupted(outcome: Outcome) -> dict[str, Any] | None:
    """Return the accuracy on corrupted images, as bars; None: it was not measured."""
    hard = outcome.robustness
    if hard is None:
        return None
    accuracy = {"none": hard.clean.accuracy}
    accuracy |= {name: found.accuracy for name, found in hard.damaged.items()}
    accuracy["mean of the corruptions"] = hard.accuracy
    rows = [(name, share, f"{share:.1%}") for name, share in accuracy.items()]
    return {"count": hard.clean.count, "rows": rows}


def _calibrated(outcome: Outcome) -> dict[str, str]:
    """Return how well the probabilities of the test images are calibrated."""
    y, calibrated = outcome.parts.test.labels, _calibration(outcome)
    after = reliability(calibrated.probabilities(outcome.logits), y, bins=10)
    before = reliability(Calibration().probabilities(outcome.logits), y, bins=10)
    changed = outcome.net.calibration is not None
    error = f"Expected calibration error on the test images: {after.error:.2%}"
    error += f", {before.error:.2%} before calibration." if changed else "."
    return {
        "summary": f"{_summary(outcome).capitalize()}.",
        "error": error,
        "diagram": _svg(plots.reliability(after, before if changed else None)),
    }


def _commands(outcome: Outcome, folder: Path) -> list[str]:
    """Return commands that use the model."""
    others = " --data other-images" if outcome.again else ""
    run = shlex.quote(str(folder))
    return [
        f"handgrad predict {run} image.png",
        f"handgrad evaluate {run} --data other-images",
        f"handgrad calibrate {run}{others} --precision 0.99   # abstain below a threshold",
        f"handgrad export {run} --onnx m.onnx",
        f"handgrad train --config {shlex.quote(str(folder / 'config.toml'))}",
    ]


def _summary(outcome: Outcome) -> str:
    return outcome.trust.replace("->", "→")


def _calibration(outcome: Outcome) -> Calibration:
    return outcome.net.calibration or Calibration()


def _svg(figure: Any) -> str:
    """Render a matplotlib figure as the data URI of an SVG."""
    return data_uri(plots.rendered(figure, ".svg"), "image/svg+xml")
