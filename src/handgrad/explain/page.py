"""A walk as one HTML page, with its images inside and no link to the outside."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable
from html import escape

from handgrad.explain.format import number, shape, words
from handgrad.explain.formula import is_words
from handgrad.explain.images import tiles
from handgrad.explain.step import Class, Step, Walk
from handgrad.html import elements as parts
from handgrad.html.images import image
from handgrad.html.page import page as html_page
from handgrad.layers import Array

WAYS = {"forward": "Forward", "loss": "Loss", "backward": "Backward"}


def page(walk: Walk, title: str) -> str:
    """Return the page.

    Args:
        walk: what to show.
        title: what stands above it.
    """
    style = importlib.resources.files("handgrad.explain").joinpath("page.css").read_text("utf-8")
    links = "".join(_link(at, step) for at, step in enumerate(walk.steps, 1))
    steps = "\n".join(_section(at, step, walk) for at, step in enumerate(walk.steps, 1))
    content = f"""<header>
<img class="pixels" src="{image(walk.image)}" alt="the image">
{parts.facts(facts(walk))}
</header>
<nav aria-label="Steps"><ol>{links}</ol></nav>
<main>
{steps}
</main>"""
    return html_page(title, content, style)


def facts(walk: Walk) -> list[tuple[str, str]]:
    """Return what is to be known of a walk before its steps."""
    p = {entry.label: entry.p for entry in walk.classes}
    mode = (
        "dropout drops, and batch norm takes this image's own statistics"
        if walk.training
        else "dropout lets all pass, and batch norm takes its running statistics"
    )
    return [
        *([("weights", walk.weights)] if walk.weights else []),
        ("shows", str(walk.label)),
        ("predicted", f"{walk.predicted}, with probability {number(p[walk.predicted])}"),
        ("loss", f"−log {number(p[walk.label])} = {number(walk.loss)}"),
        ("as in training" if walk.training else "as at inference", mode),
    ]


def worked(entry: Class) -> list[str]:
    """Return the numbers of a class in the loss, in the order of `HEADINGS`."""
    return [str(entry.label), *map(number, entry[1:])]


HEADINGS = ["class", "z", "z − max", "exp", "p", "q", "dz"]


def _link(at: int, step: Step) -> str:
    return f'<li class="{step.way}"><a href="#s{at}">{escape(step.name)}</a></li>'


def _section(at: int, step: Step, walk: Walk) -> str:
    """Return one step."""
    loss = _loss(walk) if step.way == "loss" else ""
    arrays = "".join(_array(name, array) for name, array in step.arrays.items())
    return f"""<section id="s{at}" class="{step.way}">
<h2><span class="way">{at}. {WAYS[step.way]}</span> {escape(step.name)}</h2>
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
    """Return an array in words, and in images where it has any."""
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


def _loss(walk: Walk) -> str:
    """Return softmax and cross-entropy in numbers."""
    rows = [worked(entry) for entry in walk.classes]
    shown = [at for at, entry in enumerate(walk.classes) if entry.label == walk.label]
    table = parts.table([f">{heading}" for heading in HEADINGS], rows, shown)
    lines = "".join(f"<code>{escape(line)}</code>" for line in sums(walk))
    return f'{table}<div class="formulas">{lines}</div>'


def sums(walk: Walk) -> list[str]:
    """Return how the columns of the loss come to one number."""
    total = sum(entry.exp for entry in walk.classes)
    shown = next(entry for entry in walk.classes if entry.label == walk.label)
    return [
        f"Σ exp = {number(total)}",
        f"p({walk.label}) = {number(shown.exp)}/{number(total)} = {number(shown.p)}",
        f"L = −log p({walk.label}) = {number(walk.loss)}",
    ]
