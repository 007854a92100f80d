"""One explained training step as an HTML page with embedded images and no external links."""

from __future__ import annotations

import re
from typing import Any

from handgrad.explain.format import number, shape, words
from handgrad.explain.formula import is_words
from handgrad.explain.images import tiles
from handgrad.explain.step import ExplainedStep, Explanation, LossTerm
from handgrad.html import image_uri, render


def page(explained: Explanation, title: str) -> str:
    """Render the page.

    Args:
        explained: the explained step.
        title: the heading of the page.
    """
    return render(
        "explained_step.html",
        title=title,
        image=image_uri(explained.image),
        facts=facts(explained),
        steps=[_step(step) for step in explained.steps],
        loss=_loss(explained),
    )


def facts(explained: Explanation) -> list[tuple[str, str]]:
    """Return the facts that are shown above the steps, as names and values."""
    p = {entry.label: entry.p for entry in explained.terms}
    mode = (
        "dropout is active, and batch norm uses this image's own statistics"
        if explained.training
        else "dropout is off, and batch norm uses its running statistics"
    )
    return [
        *([("weights", explained.weights)] if explained.weights else []),
        ("shows", str(explained.label)),
        ("predicted", f"{explained.predicted}, with probability {number(p[explained.predicted])}"),
        ("loss", f"−log {number(p[explained.label])} = {number(explained.loss)}"),
        ("as in training" if explained.training else "as at inference", mode),
    ]


def worked(entry: LossTerm) -> list[str]:
    """Format the numbers that one class contributes to the loss, in the order of `HEADINGS`."""
    return [str(entry.label), *map(number, entry[1:])]


HEADINGS = ["class", "z", "z − max", "exp", "p", "q", "dz"]


def _step(step: ExplainedStep) -> dict[str, Any]:
    """Return the values that the HTML template needs for one step."""
    formulas = [
        {"is_text": is_words(part), "text": part if is_words(part) else _unbroken(part)}
        for part in step.formulas
    ]
    arrays = [
        {"name": name, "shape": shape(array), "text": words(array), "tiles": tiles(array)}
        for name, array in step.arrays.items()
    ]
    return {
        "direction": step.phase,
        "name": step.name,
        "sentence": step.sentence,
        "formulas": formulas,
        "arrays": arrays,
    }


def _loss(explained: Explanation) -> dict[str, Any]:
    """Return the numbers that the HTML template needs for softmax and cross-entropy."""
    return {
        "headings": [f">{heading}" for heading in HEADINGS],
        "rows": [worked(entry) for entry in explained.terms],
        "highlighted": [
            n for n, entry in enumerate(explained.terms) if entry.label == explained.label
        ],
        "sums": sums(explained),
    }


def _unbroken(formula: str) -> str:
    """Put no-break spaces inside parentheses, so that lines are not broken there."""
    return re.sub(
        r"\([^()]*\)", lambda inside: inside[0].replace(" ", "\N{NO-BREAK SPACE}"), formula
    )


def sums(explained: Explanation) -> list[str]:
    """Return the equations that lead from the table of classes to the loss."""
    total = sum(entry.exp for entry in explained.terms)
    shown = next(entry for entry in explained.terms if entry.label == explained.label)
    return [
        f"Σ exp = {number(total)}",
        f"p({explained.label}) = {number(shown.exp)}/{number(total)} = {number(shown.p)}",
        f"L = −log p({explained.label}) = {number(explained.loss)}",
    ]
