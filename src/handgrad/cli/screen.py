"""Where a command prints: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDE = 200  # columns where no terminal sets a limit


class Screen:
    """The two streams.

    Attributes:
        out: the console of the results.
        err: the console of progress and errors; silent where only results are wanted.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr, quiet=quiet)
        logging.getLogger("handgrad").setLevel(logging.ERROR if quiet else logging.NOTSET)

    def result(self, *parts: RenderableType) -> None:
        """Print a result."""
        self.out.print(*parts, soft_wrap=True, markup=False, highlight=False)

    def json(self, value: Any) -> None:
        """Print a result as JSON."""
        self.out.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)

    def note(self, text: str) -> None:
        """Print what is good to know while waiting."""
        self.err.print(text, style="dim", soft_wrap=True, markup=False, highlight=False)

    def warning(self, sentence: str) -> None:
        """Print what went wrong, and stopped nothing."""
        words = Text.assemble(("warning: ", "bold yellow"), sentence)
        self.err.print(words, soft_wrap=True, highlight=False)

    def error(self, sentence: str) -> None:
        """Print what went wrong."""
        words = Text.assemble(("error: ", "bold red"), sentence)
        self.err.print(words, soft_wrap=True, highlight=False)


def table(headings: Sequence[str], rows: Iterable[Iterable[Any]], title: str = "") -> Table:
    """Return a table of values.

    Args:
        headings: what stands above the columns; one that begins with > is set to the right.
        rows: the values, as many in each row.
        title: what stands above it all.
    """
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for place, heading in enumerate(headings):
        right = heading.startswith(">")
        made.add_column(
            heading.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=right or place == 0,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(v if isinstance(v, Text) else Text(str(v)) for v in row))
    return made


def note_versions(screen: Screen, **others: Any) -> None:
    """Print what a result may depend on besides the settings."""
    from handgrad.runs import versions

    facts = versions() | {"cores": os.cpu_count()} | others
    screen.note("\n".join(f"{name} {value}" for name, value in facts.items()))


def _console(stream: TextIO, quiet: bool = False) -> Console:
    """Return the console of a stream; a file or a pipe has room for long lines."""
    console = Console(file=stream, quiet=quiet)
    if not console.is_terminal:
        console.width = WIDE
    return console
