"""Shows the predictions of `handgrad predict`: as a table, as a summary and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from handgrad.cli.screen import Screen, table

if TYPE_CHECKING:
    from handgrad.class_names import Label
    from handgrad.data.formats.reader import Skipped
    from handgrad.prediction import Prediction

FEW = 100  # answers that are all shown
ROWS = 10  # answers that are shown if there are more
MAX_NAMED = 10  # files in a warning


def all_to_json(answers: Sequence[Prediction], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """Return all predictions, and the files that were left out, as JSON data."""
    return {
        "predictions": [_to_json(answer) for answer in answers],
        "skipped": [{"file": path, "reason": reason} for path, reason in skipped],
    }


def show_answers(
    screen: Screen,
    answers: Sequence[Prediction],
    classes: Sequence[Label],
    count: int,
    csv: Path | None,
) -> None:
    """Print the answers, or a summary if there are many or if they are in a file.

    Args:
        screen: the screen to print to.
        answers: the predictions.
        classes: the class names of the model.
        count: the number of most probable classes to show for an image.
        csv: the file with the answers, or None if there is none.
    """
    if csv is None and len(answers) <= FEW:
        screen.result(_table(answers, count))
        return
    _show_summary(screen, answers, classes)
    if csv is None:
        screen.result(_table(answers[:ROWS], count))
        screen.result(f"these are the first {ROWS}; --csv FILE writes all answers to a file")
    else:
        screen.result(f"answers in {csv}")


def _to_json(answer: Prediction) -> dict[str, Any]:
    """Return the prediction for one image as JSON data."""
    return {
        "image": answer.image,
        "label": answer.label,
        "predicted": answer.predicted,
        "confident": answer.is_confident,
        "reason": answer.reason,
        "error": answer.error,
        "probabilities": [{"label": label, "p": p} for label, p in answer.top],
    }


def _table(answers: Sequence[Prediction], count: int) -> Table:
    """Return a table of predictions with the `count` most probable classes for each image."""
    known = any(answer.label is not None for answer in answers)
    headings = ["image", *(["is"] if known else []), "predicted", *[""] * (count - 1)]
    rows = []
    for answer in answers:
        if answer.error:
            top = [Text("cannot be read", "red"), *[Text()] * (count - 1)]
        else:
            top = [Text(f"{label} {p:.1%}") for label, p in answer.top[:count]]
        if answer.label is not None and answer.top:
            top[0].stylize("green" if answer.is_correct else "red")
        if answer.reason:
            top[0] = Text.assemble(f"don't know ({answer.reason}): ", top[0])
        label = "" if answer.label is None else answer.label
        rows.append([answer.image, *([label] if known else []), *top])
    return table(headings, rows)


def _show_summary(screen: Screen, answers: Sequence[Prediction], classes: Sequence[Label]) -> None:
    """Print how many images have an answer, and how many were assigned to each class."""
    read = [answer for answer in answers if not answer.error]
    reasons = Counter(answer.reason for answer in read if answer.reason)
    parts = [f"{len(answers):,} images: {sum(a.is_confident for a in read):,} answered"]
    if reasons:
        each = ", ".join(f"{reason} {n:,}" for reason, n in reasons.most_common())
        parts.append(f'{sum(reasons.values()):,} "don\'t know" ({each})')
    if len(read) < len(answers):
        parts.append(f"{len(answers) - len(read):,} cannot be read")
    screen.result(", ".join(parts))
    labelled = [answer for answer in read if answer.label is not None]
    if labelled:
        correct = sum(answer.is_correct for answer in labelled)
        screen.result(
            f"accuracy {correct / len(labelled):.2%} ({correct:,} of {len(labelled):,} images with "
            "a known label)"
        )
    counts = Counter(answer.predicted for answer in read if answer.is_confident)
    rows = [(label, f"{counts[label]:,}") for label in classes if counts[label]]
    screen.result(table(["predicted", ">images"], rows))


def show_problems(screen: Screen, broken: Sequence[Prediction], skipped: Sequence[Skipped]) -> None:
    """Print warnings about the files that were not classified."""
    if broken:
        noun = "image cannot" if len(broken) == 1 else "images cannot"
        reasons = [answer.error for answer in broken]
        screen.warning(f"{len(broken):,} {noun} be read: {_some(reasons, '; ')}")
    for reason, count in Counter(entry.reason for entry in skipped).items():
        names = [entry.path for entry in skipped if entry.reason == reason]
        noun = "file was" if count == 1 else "files were"
        screen.warning(f"{count:,} {noun} left out ({reason}): {_some(names, ', ')}")


def _some(texts: Sequence[str], separator: str) -> str:
    """Join the first few texts, and state how many more there are."""
    more = len(texts) - MAX_NAMED
    ending = f"{separator}and {more:,} more" if more > 0 else ""
    return separator.join(texts[:MAX_NAMED]) + ending
