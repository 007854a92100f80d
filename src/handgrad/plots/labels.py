"""The text in figures: font sizes, fonts, and the space that text needs."""

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

# For characters that matplotlib's font lacks: ✓ and ✗, then East Asian scripts in the fonts of
# Linux, macOS and Windows.
FALLBACK_FONTS = (
    "DejaVu Sans",
    *("Noto Sans CJK JP", "Droid Sans Fallback", "WenQuanYi Micro Hei"),
    *("Hiragino Sans", "Arial Unicode MS"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
)


def class_names(classes: Sequence[Label], width: int | None = None) -> list[str]:
    """Return the class names as they are shown in figures.

    If a name has characters that are missing from all installed fonts, the number of the class is
    used instead, as in "class 3".

    Args:
        classes: the names of the K classes.
        width: the maximum number of characters in a line, or None for no limit.
    """
    writable = _characters(_families())
    lines = [" ".join(str(label).split()) for label in classes]
    names = [line if writable.issuperset(line) else f"class {k}" for k, line in enumerate(lines)]
    return names if width is None else [textwrap.fill(name, width) for name in names]


def text_style(size: float) -> dict[str, Any]:
    """Return matplotlib arguments for text of `size` points; "$" does not begin a formula in it."""
    return {"fontsize": size, "fontfamily": _families(), "parse_math": False}


def text_size(texts: Sequence[str], size: float) -> tuple[float, float]:
    """Return the largest width and height of several texts of `size` points, in inches."""
    figure = Figure()
    boxes = [figure.text(0, 0, text, **text_style(size)).get_window_extent() for text in {*texts}]
    return (max(b.width for b in boxes) / figure.dpi, max(b.height for b in boxes) / figure.dpi)


def _families() -> tuple[str, ...]:
    """Return the font families; a character is taken from the first family that contains it."""
    return *matplotlib.rcParams["font.family"], *_installed_fallbacks()


@cache
def _installed_fallbacks() -> tuple[str, ...]:
    """Return the fallback fonts that are installed."""
    installed = {font.name for font in fontManager.ttflist}
    return tuple(family for family in FALLBACK_FONTS if family in installed)


@cache
def _characters(families: tuple[str, ...]) -> frozenset[str]:
    """Return all characters that the given font families contain."""
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    return frozenset(chr(code) for font in fonts for code in font.get_charmap())
