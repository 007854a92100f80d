"""What stands around every page."""

from __future__ import annotations

import importlib.resources
from html import escape
from string import Template


def page(title: str, content: str, style: str = "") -> str:
    """Return a whole page.

    Args:
        title: what stands above it, as plain words.
        content: what stands in it, as HTML.
        style: what it has of CSS besides the look that all pages share.
    """
    frame = importlib.resources.files("handgrad.html").joinpath("page.html").read_text("utf-8")
    return Template(frame).substitute(title=escape(title), content=content, style=style)
