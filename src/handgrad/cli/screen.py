"""Output of the commands: results on stdout; progress, notes, warnings and errors on stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import (
    Console,
    ConsoleOptions,
    JustifyMethod,
    OverflowMethod,
    RenderableType,
    RenderResult,
)
from rich.table import Table
from rich.text import Text

JSON_VERSION = 1  # raised when a key is removed or changes its meaning

WIDE = 200  # columns, if no terminal sets a limit
NARROW = 16  # characters; a longer word may be folded so that a table fits


class Screen:
    """Writes to stdout and stderr.

    Attributes:
        out: the console for results.
        err: the console for progress, notes, warnings and errors; with `--quiet` it prints nothing.
        progress: whether library functions show a progress bar, or None to show one only if stderr
            is a terminal.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr, quiet=quiet)
        self.progress: bool | None = False if quiet else None
        reset_logging()
        logging.getLogger("handgrad").setLevel(logging.ERROR if quiet else logging.NOTSET)
        # matplotlib logs the path of its font cache, which no user of a command needs.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)

    def log_progress(self) -> None:
        """From now on, print the library's messages of level INFO in addition to its warnings."""
        logger = logging.getLogger("handgrad")
        if not self.err.quiet:
            logger.setLevel(logging.INFO)
            logger.addHandler(_InfoHandler(self))

    def result(self, *parts: RenderableType) -> None:
        """Print a result to stdout."""
        print_text(self.out, *parts)

    def json(self, values: Mapping[str, Any], *, ok: bool = True) -> None:
        """Print a result to stdout as one JSON object that begins with the keys `version` and `ok`.

        Args:
            values: the result; each command defines its own keys, in snake_case.
            ok: whether the command will end with exit code 0.
        """
        envelope = {"version": JSON_VERSION, "ok": ok}
        document = envelope | dict(values) | envelope  # first, and not replaced by a value
        self.out.out(json.dumps(document, indent=2, ensure_ascii=False), highlight=False)

    def info(self, text: str) -> None:
        """Print a note to stderr."""
        print_text(self.err, text, style="dim")

    def warning(self, sentence: str) -> None:
        """Print a warning about a problem that does not stop the command."""
        print_text(self.err, Text.assemble(("warning: ", "bold yellow"), sentence))

    def error(self, sentence: str) -> None:
        """Print the message of the error that ends the command."""
        print_text(self.err, Text.assemble(("error: ", "bold red"), sentence))


class _InfoHandler(logging.Handler):
    """A log handler that prints log messages as notes on the screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Print one log message."""
        self._screen.info(record.getMessage().removeprefix("handgrad: "))


def reset_logging() -> None:
    """Undo `Screen.log_progress`: from now on, print only the library's warnings."""
    logger = logging.getLogger("handgrad")
    logger.setLevel(logging.NOTSET)
    logger.handlers = [h for h in logger.handlers if not isinstance(h, _InfoHandler)]


class FittedTable(Table):
    """A table that never truncates a value, even in a narrow terminal.

    Left-aligned columns are wrapped if necessary, but numbers are never wrapped. If the table still
    does not fit, each value is printed on a separate line. In a file or a pipe, the width is not
    limited.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table as wide as necessary, but not wider than the terminal."""
        limited = console.is_terminal or not options.no_wrap
        widths = self._widths(console, options, options.max_width if limited else None)
        if widths is None:
            yield from self._lines("ignore" if options.no_wrap else "fold")
            return
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        yield from super().__rich_console__(console, options.update(width=self._drawn(widths)))

    def _widths(
        self, console: Console, options: ConsoleOptions, available: int | None
    ) -> list[int] | None:
        """Return the widths of the columns, or None if they do not fit into `available`."""
        least, most = [], []
        for column in self.columns:
            cells = [Text(str(column.header)), *(c for c in column.cells if isinstance(c, Text))]
            sizes = [cell.__rich_measure__(console, options) for cell in cells]
            widest, word = max(s.maximum for s in sizes), max(s.minimum for s in sizes)
            least.append(widest if column.justify == "right" else min(word, NARROW))
            most.append(widest)
        if available is None:
            return most
        spare = available - self._drawn(least)
        if spare < 0:
            return None
        for k in sorted(range(len(most)), key=lambda k: most[k] - least[k]):
            more = min(spare, most[k] - least[k])
            least[k] += more
            spare -= more
        return least

    @staticmethod
    def _drawn(widths: Sequence[int]) -> int:
        """Return the width of a table whose columns have these widths, including separators."""
        return sum(widths) + 3 * len(widths) + 1

    def _lines(self, overflow: OverflowMethod) -> RenderResult:
        """Yield one line per value of the table: the heading of its column, then the value."""
        if self.title:
            yield Text(str(self.title), "table.title", overflow=overflow)
        for row in zip(*(column.cells for column in self.columns), strict=True):
            yield Text()
            for column, cell in zip(self.columns, row, strict=True):
                heading = f"{column.header} " if column.header else ""
                yield Text.assemble((heading, "dim"), cell, overflow=overflow)


def table(headings: Sequence[str], rows: Iterable[Iterable[Any]], title: str = "") -> Table:
    """Make a table from headings and rows.

    Args:
        headings: the headings of the columns; if a heading begins with >, its column is
            right-aligned.
        rows: the rows, with one value per heading.
        title: the title above the table, or an empty string for no title.
    """
    made = FittedTable(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False
    )
    for heading in headings:
        justify: JustifyMethod = "right" if heading.startswith(">") else "left"
        made.add_column(heading.removeprefix(">"), justify=justify, overflow="fold")
    for row in rows:
        made.add_row(*(v if isinstance(v, Text) else Text(str(v)) for v in row))
    return made


def show_versions(screen: Screen, **others: Any) -> None:
    """Print the library versions and the number of cores, and turn on progress messages.

    Args:
        screen: the screen to print to.
        others: the names and values to print on additional lines.
    """
    from handgrad.runs import versions
    from handgrad.threads import cores

    facts = versions() | {"cores": cores()} | others
    screen.info("\n".join(f"{name} {value}" for name, value in facts.items()))
    screen.log_progress()


def show_data(screen: Screen, summary: str, skipped: Sequence[tuple[str, str]]) -> None:
    """Print how the user's data was interpreted, and which files were left out.

    Args:
        screen: the screen to print to.
        summary: how the data was interpreted, or an empty string.
        skipped: the files that were left out, as (path, reason).
    """
    from handgrad.data.formats.reader import describe_skipped

    if summary:
        screen.info(summary)
    if skipped:
        screen.warning(describe_skipped(skipped))


def print_text(console: Console, *parts: RenderableType, style: str | None = None) -> None:
    """Print to a console; lines are wrapped between words, but only in a terminal."""
    is_text = all(isinstance(part, str | Text) for part in parts)
    if console.is_terminal and is_text:
        parts = tuple(_breakable(part, console.width) for part in parts)  # type: ignore[arg-type]
        console.print(*parts, style=style, markup=False, highlight=False)
    else:
        console.print(*parts, style=style, soft_wrap=True, markup=False, highlight=False)


def _breakable(part: str | Text, width: int) -> str | Text:
    """If a list of settings is wider than the terminal, add spaces so that it can be wrapped."""
    if isinstance(part, Text):
        return part
    return re.sub(
        r"\S*=\S*,\S*", lambda m: m[0].replace(",", ", ") if len(m[0]) > width else m[0], part
    )


def _console(stream: TextIO, quiet: bool = False) -> Console:
    """Make a console that writes to a stream; long lines in files and pipes are not wrapped."""
    console = Console(file=stream, quiet=quiet)
    if not console.is_terminal:
        console.width = WIDE
    return console
