"""Reads the formulas of a layer from its docstring, where each formula is written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

GAP = re.compile(r" {3,}")  # stands between two formulas in one line
DERIVATIVE = re.compile(r"\bd[A-Zγβ]")
SECTION = re.compile(r"^(Args|Attributes|Examples?|Raises|Returns):$")
SOURCE = re.compile(r"^[A-Z]\. \w")  # "D. Kingma, J. Ba 2015, ..."


class Formula(NamedTuple):
    """The formulas in a docstring.

    Attributes:
        sentence: the first sentence, which describes the layer.
        forward: the formulas of the output, and the sentences between them.
        backward: the formulas of the derivatives, and the sentences between them.
    """

    sentence: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]


def formula_of(kind: type) -> Formula:
    """Return the formulas in the docstring of a layer or loss; without a docstring, there are none.

    >>> formula_of(hg.Tanh)
    Formula(sentence='The hyperbolic tangent.', forward=('Y = tanh X',), \
backward=('dX = dY · (1 − Y²)',))
    """
    sentence, *paragraphs = (inspect.getdoc(kind) or "").split("\n\n")
    forward: list[str] = []
    backward: list[str] = []
    for parts in _joined(_before_sections(paragraphs)):
        for at, part in enumerate(parts):
            judged = parts[min(at + 1, len(parts) - 1)] if part.endswith(":") else part
            (backward if DERIVATIVE.search(judged) else forward).append(part)
    return Formula(" ".join(sentence.split()), tuple(forward), tuple(backward))


def is_words(part: str) -> bool:
    """Return whether a part is a sentence rather than a formula."""
    return part.endswith((".", ":"))


def _before_sections(paragraphs: list[str]) -> Iterator[str]:
    """Yield the paragraphs before "Attributes:" and similar sections, without citations."""
    for paragraph in paragraphs:
        if SECTION.match(paragraph.partition("\n")[0]):
            return
        if not SOURCE.match(paragraph):
            yield paragraph


def _joined(paragraphs: Iterator[str]) -> Iterator[list[str]]:
    """Yield the parts of each paragraph. After a colon, the next paragraph is a part too."""
    waiting: list[str] = []
    for paragraph in paragraphs:
        words = is_words(paragraph)
        lines = [" ".join(paragraph.split())] if words else paragraph.splitlines()
        parts = [part for line in lines for part in _split(line)]
        if paragraph.endswith(":"):
            waiting += parts
            continue
        yield [*waiting, *parts]
        waiting = []


def _split(line: str) -> list[str]:
    """Return the formulas in a line; several shapes in a row count as one formula."""
    parts: list[str] = []
    for part in GAP.split(line.strip()):
        if parts and "=" not in parts[-1] + part:
            parts[-1] += f"   {part}"
        else:
            parts.append(part)
    return parts
