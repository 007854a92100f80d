"""An explanation as one HTML page, with its images inside and no external links."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable
from html import escape

from handgrad.explain.format import number, shape, words
from handgrad.explain.formula import is_words
from handgrad.explain.images import tiles
from handgrad.explain.step import ExplainedStep, Explanation, LossTerm
from handgrad.html import elements as parts
from handgrad.html.images import image
from handgrad.html.page import page as html_page
from handgrad.layers import Array

PHASES = {"forward": "Forward", "loss": "Loss", "backward": "Backward"}


def page(explained: Explanation, title: str) -> str:
    """Return the page.

    Args:
        explained: the explanation.
        title: the heading.
    """
    style = importlib.resources.files("handgrad.explain").joinpath("page.css").read_text("utf-8")
    links = "".join(_link(at, step) for at, step in enumerate(explained.steps, 1))
    steps = "\n".join(_section(at, step, explained) for at, step in enumerate(explained.steps, 1))
    content = f"""<header>
<img class="pixels" src="{image(explained.image)}" alt="the image">
{parts.facts(facts(explained))}
</header>
<nav aria-label="Steps"><ol>{links}</ol></nav>
<main>
{steps}
</main>"""
    return html_page(title, content, style)


def facts(explained: Explanation) -> list[tuple[str, str]]:
    """Return the facts above the steps, by name."""
    p = {entry.label: entry.p for entry in explained.terms}
    mode = (
        "dropout drops, and batch norm uses this image's own statistics"
        if explained.training
        else "dropout passes everything, and batch norm uses its running statistics"
    )
    return [
        *([("weights", explained.weights)] if explained.weights else []),
        ("shows", str(explained.label)),
        ("predicted", f"{explained.predicted}, with probability {number(p[explained.predicted])}"),
        ("loss", f"−log {number(p[explained.label])} = {number(explained.loss)}"),
        ("as in training" if explained.training else "as at inference", mode),
    ]


def worked(entry: LossTerm) -> list[str]:
    """Return the numbers of one class in the loss, in the order of `HEADINGS`."""
    return [str(entry.label), *map(number, entry[1:])]


HEADINGS = ["class", "z", "z − max", "exp", "p", "q", "dz"]


def _link(at: int, step: ExplainedStep) -> str:
    return f'<li class="{step.phase}"><a href="#s{at}">{escape(step.name)}</a></li>'


def _section(at: int, step: ExplainedStep, explained: Explanation) -> str:
    """Return the section of one step."""
    loss = _loss(explained) if step.phase == "loss" else ""
    arrays = "".join(_array(name, array) for name, array in step.arrays.items())
    return f"""<section id="s{at}" class="{step.phase}">
<h2><span class="phase">{at}. {PHASES[step.phase]}</span> {escape(step.name)}</h2>
<p class="sentence">{escape(step.sentence)}</p>
<div class="formulas">{_formulas(step.formulas)}</div>
{loss}<div class="arrays">{arrays}</div>
</section>"""


def _formulas(parts: Iterable[str]) -> str:
    return "".join(
        f"<p>{escape(part)}</p>" if is_words(part) else f"<code>{escape(_unbroken(part))}</code>"
        for part in parts
    )


def _unbroken(formula: str) -> str:
    """Return a formula whose parentheses stay in one line."""
    return re.sub(
        r"\([^()]*\)", lambda inside: inside[0].replace(" ", "\N{NO-BREAK SPACE}"), formula
    )


def _array(name: str, array: Array) -> str:
    """Return an array as text, and as images if it has any."""
    return (
        f'<div class="array"><h3>{escape(name)} <span>{shape(array)}</span></h3>'
        f"<p>{words(array)}</p>{_tiles(name, array)}</div>"
    )


def _tiles(name: str, array: Array) -> str:
    shown = tiles(array)
    if shown is None:
        return ""
    size = f'width="{shown.width}" height="{shown.height}"'
    images = "".join(
        f'<img class="pixels" {size} src="{source}" alt="{escape(name)}, {at}">'
        for at, source in enumerate(shown.sources)
    )
    more = f"; {shown.left_out} more not shown" if shown.left_out else ""
    return f'<div class="tiles">{images}</div><p class="scale">{shown.scale}{more}</p>'


def _loss(explained: Explanation) -> str:
    """Return softmax and cross-entropy in numbers."""
    rows = [worked(entry) for entry in explained.terms]
    shown = [at for at, entry in enumerate(explained.terms) if entry.label == explained.label]
    table = parts.table([f">{heading}" for heading in HEADINGS], rows, shown)
    lines = "".join(f"<code>{escape(line)}</code>" for line in sums(explained))
    return f'{table}<div class="formulas">{lines}</div>'


def sums(explained: Explanation) -> list[str]:
    """Return the lines that compute the loss from the columns."""
    total = sum(entry.exp for entry in explained.terms)
    shown = next(entry for entry in explained.terms if entry.label == explained.label)
    return [
        f"Σ exp = {number(total)}",
        f"p({explained.label}) = {number(shown.exp)}/{number(total)} = {number(shown.p)}",
        f"L = −log p({explained.label}) = {number(explained.loss)}",
    ]
