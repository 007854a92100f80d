"""Plain help pages, without the types, ranges and brackets that typer adds by default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup


def joined(text: str | None) -> str | None:
    """Join the lines of each paragraph, because rich would keep a docstring's line breaks."""
    paragraphs = re.split(r"\n\s*\n", text or "")
    return "\n\n".join(" ".join(p.split()) for p in paragraphs) if text else text


def with_default(param: Any) -> str:
    """Return the help text of an option or argument, with its default value as a sentence."""
    shown = param.show_default
    value = shown if isinstance(shown, str) else param.default
    if (
        not shown
        or not isinstance(value, str | int | float | Path)
        or value is False
        or value == ""
    ):
        return param.help or ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{param.help or ''} Default: {text}.".strip()


class HelpPage:
    """Makes the help page of a command or of a group of commands easier to read."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"help": joined(attributes.get("help"))})
        self._pieces: list[str] | None = None

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line, without the braces around required arguments."""
        if self._pieces is None:
            pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
            self._pieces = [re.sub("[{}]", "", piece) for piece in pieces]
        return self._pieces

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page of the command."""
        self.collect_usage_pieces(ctx)
        for param in self.get_params(ctx):  # type: ignore[attr-defined]
            param.help, param.show_default = with_default(param), False
            # From here on, these attributes only add brackets to the help page.
            param.min = param.max = None
            param.required = False
            if param.param_type_name == "argument":
                param.display_type_rich = lambda **_: ""
            elif getattr(param, "is_flag", False):
                param.metavar = ""
        super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(HelpPage, TyperCommand):
    """A command with a plain help page."""


class Group(HelpPage, TyperGroup):
    """A group of commands with a plain help page."""
