"""The words of a figure: their sizes, the fonts that write them, and the room they take."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from handgrad.class_names import Label

SMALL, LARGE = 9, 11  # points

# For what the font that matplotlib is set to lacks: ✓ and ✗, then the scripts of East Asia in the
# fonts that Linux, macOS and Windows bring.
FALLBACKS = (
    "DejaVu Sans",
    *("Noto Sans CJK JP", "Droid Sans Fallback", "WenQuanYi Micro Hei"),
    *("Hiragino Sans", "Arial Unicode MS"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
)


def class_names(classes: Sequence[Label], width: int | None = None) -> list[str]:
    """Return what each class is called in a figure.

    A name that no font at hand can write becomes its number: "class 3".

    Args:
        classes: the names of the K classes.
        width: the most characters of a line; None: all on one line.
    """
    writable = _characters(_families())
    lines = [" ".join(str(label).split()) for label in classes]
    names = [line if writable.issuperset(line) else f"class {k}" for k, line in enumerate(lines)]
    return names if width is None else [textwrap.fill(name, width) for name in names]


def style(size: float) -> dict[str, Any]:
    """Return how words of `size` points are written; a $ in them is no mathematics."""
    return {"fontsize": size, "fontfamily": _families(), "parse_math": False}


def inches(texts: Sequence[str], size: float) -> tuple[float, float]:
    """Return the largest width and height of texts set in `size` points."""
    figure = Figure()
    boxes = [figure.text(0, 0, text, **style(size)).get_window_extent() for text in {*texts}]
    return (max(b.width for b in boxes) / figure.dpi, max(b.height for b in boxes) / figure.dpi)


def _families() -> tuple[str, ...]:
    """Return the font families to take a character from, the first that has it."""
    return *matplotlib.rcParams["font.family"], *_installed_fallbacks()


@cache
def _installed_fallbacks() -> tuple[str, ...]:
    """Return those of the fallbacks that this machine has."""
    installed = {font.name for font in fontManager.ttflist}
    return tuple(family for family in FALLBACKS if family in installed)


@cache
def _characters(families: tuple[str, ...]) -> frozenset[str]:
    """Return all characters that some font families have."""
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    return frozenset(chr(code) for font in fonts for code in font.get_charmap())
