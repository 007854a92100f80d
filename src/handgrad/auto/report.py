"""What came of it as one HTML page, with its figures inside and no link to the outside."""

from __future__ import annotations

import importlib.resources
import re
import shlex
from html import escape
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
from handgrad.html import address, bars, facts, figure, image, page, section, table

MISTAKES = 24


def report(outcome: Outcome, folder: Path) -> str:
    """Return the page.

    Args:
        outcome: what came of it.
        folder: where the model is.
    """
    style = importlib.resources.files("handgrad.auto") / "report.css"
    parts = [
        _head(outcome),
        section("Accuracy against seconds", _race(outcome)),
        section("What was chosen, and why", _why(outcome)),
        section("The images", _images(outcome)),
        section("How it learned", _curves(outcome)),
        section("What was taken for what", _confusion(outcome)),
        section("The worst mistakes", _mistakes(outcome)),
        section("On damaged images", _damaged(outcome)),
        section("What its probabilities mean", _trust(outcome)),
        section("How to use it", _use(outcome, folder)),
    ]
    title = f"handgrad fit: {outcome.parts.images.name}"
    return page(title, "\n".join(parts), style.read_text("utf-8"))


def _head(outcome: Outcome) -> str:
    """Return the score, and the facts beside it."""
    found, given = outcome.evaluation, outcome.search.clock.seconds
    off = 2 * standard_error(found.accuracy, found.count)
    stopped = ", interrupted" if outcome.interrupted else ""
    pairs = [
        ("test", f"{found.correct:,} of {found.count:,} images right; ± {off:.1%} by chance"),
        ("chosen", words(outcome.config)),
        (
            "data",
            f"{len(outcome.parts.images):,} images, {len(outcome.classifier.classes)} classes",
        ),
        ("time", f"{outcome.seconds:.0f} of {given:.0f} s until the test was done{stopped}"),
        ("probabilities", _told(outcome)),
    ]
    score = f'<p class="score">{found.accuracy:.1%}</p><p class="soft">of the test is right</p>'
    return f"<header><div>{score}</div>{facts(pairs)}</header>"


def _race(outcome: Outcome) -> str:
    """Return all that was tried, drawn and as a table."""
    trials = [trial for trial in outcome.search.trials if trial.counts]
    laps = [
        plots.Lap(t.times, [r.validation_accuracy or 0 for r in t.records], t is outcome.chosen)
        for t in trials
    ]
    shown = [at for at, t in enumerate(outcome.search.trials) if t is outcome.chosen]
    headings = [">accuracy", "tried", ">loss", "", ">epochs", ">images", ">seconds"]
    again = [outcome.again] if outcome.again else []
    rows = table(headings, map(_row, [*outcome.search.trials, *again]), shown)
    drawn = _drawn(
        plots.race(laps, outcome.search.clock.seconds),
        "validation accuracy of each epoch over the seconds",
    )
    last = " The last row is the model: nothing was left to judge it by." if again else ""
    told = f"<p>On the validation images, which were set aside to choose by.{last}</p>"
    return f"{told}{drawn}{rows}"


def _row(trial: Trial) -> list[str]:
    """Return a trial as a row of the table."""
    epochs = f"{len(trial.records)} of {trial.config.epochs}"
    accuracy, loss = "diverged" if trial.diverged else "-", "-"
    if trial.counts and trial.config.validation:
        accuracy, loss = f"{trial.accuracy:.2%}", f"{trial.loss:.3f}"
    stage, images, seconds = STAGES[trial.stage], f"{trial.images:,}", f"{trial.seconds:.1f}"
    return [accuracy, words(trial.config), loss, stage, epochs, images, seconds]


def _why(outcome: Outcome) -> str:
    lines = (f"<li><b>{escape(k)}.</b> {_worded(v)}</li>" for k, v in reasons(outcome))
    return f'<ul class="why">{"".join(lines)}</ul>'


def _images(outcome: Outcome) -> str:
    """Return how many there are, and what the doctor of folders said."""
    images, test = outcome.parts.images, outcome.parts.test
    counts = zip(images.classes, images.counts, test.counts, strict=True)
    rows = table(["class", ">images", ">test"], ([k, f"{n:,}", f"{m:,}"] for k, n, m in counts))
    issues = outcome.look.issues
    if issues is None:
        return rows
    said = "".join(
        f"<li><b>{escape(f.kind)}</b> ({f.severity}): {escape(f.problem)}; {escape(f.remedy)}.</li>"
        for f in issues
    )
    told = f'<ul class="why">{said}</ul>' if said else "<p>Nothing is wrong with the files.</p>"
    return f'<div class="pair">{rows}<div>{told}</div></div>'


def _curves(outcome: Outcome) -> str:
    """Return the learning curves, and whose weights are kept."""
    kept = outcome.chosen.records[outcome.chosen.kept].number
    drawn = _drawn(
        plots.learning_curves(outcome.chosen.history),
        "loss and accuracy",
        "own",
    )
    why = "the last" if outcome.chosen.complete else "the most accurate before the time was over"
    told = f"The weights of epoch {kept} are kept, {why}"
    if outcome.again:
        told = "This is the training that was judged, before the one on all images"
    return f"{drawn}<p>{told}; the dotted line marks the lowest validation loss.</p>"


def _confusion(outcome: Outcome) -> str:
    classes = outcome.classifier.classes
    drawn = plots.confusion(outcome.evaluation.confusion, classes)
    rows = [_row_of_class(outcome, k) for k in range(len(classes))]
    listed = table(["class", ">test", ">right", "most often taken for"], rows)
    image = _drawn(drawn, "true classes against predicted ones", "own")
    return f'<div class="pair">{image}<div>{listed}</div></div>'


def _row_of_class(outcome: Outcome, k: int) -> list[Any]:
    """Return a class with the share that is right, and what it is most often taken for."""
    classes, taken = outcome.classifier.classes, outcome.evaluation.confusion[k].copy()
    count, right = taken.sum(), taken[k]
    taken[k] = 0
    worst = int(taken.argmax())
    mistaken = f"{classes[worst]} ({taken[worst]})" if taken[worst] else ""
    return [classes[k], f"{count:,}", f"{right / count:.1%}" if count else "-", mistaken]


def _mistakes(outcome: Outcome) -> str:
    """Return the test images that it was surest of and wrong."""
    p = _calibration(outcome).probabilities(outcome.logits)
    test, guess = outcome.parts.test, p.argmax(axis=1)
    wrong = np.flatnonzero(guess != test.labels)
    if not len(wrong):
        return "<p>There are none.</p>"
    worst = wrong[np.argsort(-p.max(axis=1)[wrong], kind="stable")][:MISTAKES]
    tiles = "".join(
        f'<div><img class="pixels" src="{image(test.images[n])}" alt="">'
        f'<span class="wrong">{escape(str(test.classes[guess[n]]))} {p[n].max():.1%}</span><br>'
        f"is {escape(str(test.classes[test.labels[n]]))}</div>"
        for n in worst
    )
    heading = f"<p>{len(wrong):,} test images are taken for what they are not"
    more = f"; those it was surest of, {len(worst)} of them:" if len(worst) < len(wrong) else ":"
    return f'{heading}{more}</p><div class="mistakes">{tiles}</div>'


def _damaged(outcome: Outcome) -> str:
    """Return the accuracy on damaged images as bars."""
    hard = outcome.robustness
    if hard is None:
        return "<p>Not asked: the images are no bytes.</p>"
    named = {"none": hard.clean.accuracy}
    named |= {name: found.accuracy for name, found in hard.damaged.items()}
    named["mean of the damaged"] = hard.accuracy
    rows = bars((name, share, f"{share:.1%}") for name, share in named.items())
    return f"<p>{hard.clean.count:,} test images, each damaged in fifteen ways.</p>{rows}"


def _trust(outcome: Outcome) -> str:
    """Return how far the probabilities of the test images can be trusted."""
    y, calibrated = outcome.parts.test.labels, _calibration(outcome)
    found = reliability(calibrated.probabilities(outcome.logits), y, bins=10)
    before = reliability(Calibration().probabilities(outcome.logits), y, bins=10)
    changed = outcome.classifier.calibration is not None
    drawn = _drawn(
        plots.reliability(found, before if changed else None),
        "share of right answers over their probability, on test images",
        "small",
    )
    said = f"Expected calibration error on the test: {found.error:.2%}"
    said += f", {before.error:.2%} before." if changed else "."
    return f"<p>{escape(_told(outcome).capitalize())}.</p><p>{said}</p>{drawn}"


def _use(outcome: Outcome, folder: Path) -> str:
    """Return the commands that go on from here."""
    others = " --data other-images" if outcome.again else ""
    run = shlex.quote(str(folder))
    commands = [
        f"handgrad predict {run} image.png",
        f"handgrad evaluate {run} --data other-images",
        f"handgrad calibrate {run}{others} --precision 0.99   # below a threshold it is not sure",
        f"handgrad export {run} --onnx m.onnx",
        f"handgrad train --config {shlex.quote(str(folder / 'config.toml'))}",
    ]
    return f"<pre>{escape(chr(10).join(commands))}</pre>"


def _told(outcome: Outcome) -> str:
    return outcome.trust.replace("->", "→")


def _calibration(outcome: Outcome) -> Calibration:
    return outcome.classifier.calibration or Calibration()


def _drawn(drawing: Any, what: str, kind: str = "") -> str:
    """Return a matplotlib figure as a part of the page.

    Args:
        drawing: the figure.
        what: what it shows.
        kind: "own" where it keeps its size, "small" where it has no need of much room.
    """
    return figure(address(plots.rendered(drawing, ".svg"), "image/svg+xml"), what, kind=kind)


def _worded(sentence: str) -> str:
    """Return a sentence with what stands in `backquotes` as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(sentence))
