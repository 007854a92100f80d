"""Where a command prints: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
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

WIDE = 200  # columns where no terminal sets a limit
NARROW = 16  # a longer word may be folded so that a table fits


class Screen:
    """The two streams.

    Attributes:
        out: the console of the results.
        err: the console of progress and errors; silent where only results are wanted.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr, quiet=quiet)
        hush()
        logging.getLogger("handgrad").setLevel(logging.ERROR if quiet else logging.NOTSET)
        # It says where it keeps its list of fonts, which is nobody's concern here.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)

    def listen(self) -> None:
        """Print from now on, besides warnings, what the library says of its work."""
        logger = logging.getLogger("handgrad")
        if not self.err.quiet:
            logger.setLevel(logging.INFO)
            logger.addHandler(_Notes(self))

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


class _Notes(logging.Handler):
    """Prints what is logged as a note."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        self._screen.note(record.getMessage().removeprefix("handgrad: "))


def hush() -> None:
    """Print no longer what the library says of its work: see `Screen.listen`."""
    logger = logging.getLogger("handgrad")
    logger.setLevel(logging.NOTSET)
    logger.handlers = [h for h in logger.handlers if not isinstance(h, _Notes)]


class Values(Table):
    """A table of which nothing is cut off, however narrow the terminal.

    What is set to the left is folded where it must be, numbers never are. Where even that does
    not fit, each value gets a line of its own. A file or a pipe sets no limit.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as it needs to be, or as there is room."""
        limited = console.is_terminal or not options.no_wrap
        widths = self._widths(console, options, options.max_width if limited else None)
        if widths is None:
            yield from self._lines("ignore" if options.no_wrap else "fold")
            return
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        yield from super().__rich_console__(console, options.update(width=self._drawn(widths)))

    def _widths(
        self, console: Console, options: ConsoleOptions, room: int | None
    ) -> list[int] | None:
        """Return how wide the columns become; None: they do not fit."""
        least, most = [], []
        for column in self.columns:
            cells = [Text(str(column.header)), *(c for c in column.cells if isinstance(c, Text))]
            sizes = [cell.__rich_measure__(console, options) for cell in cells]
            widest, word = max(s.maximum for s in sizes), max(s.minimum for s in sizes)
            least.append(widest if column.justify == "right" else min(word, NARROW))
            most.append(widest)
        if room is None:
            return most
        spare = room - self._drawn(least)
        if spare < 0:
            return None
        for k in sorted(range(len(most)), key=lambda k: most[k] - least[k]):
            more = min(spare, most[k] - least[k])
            least[k] += more
            spare -= more
        return least

    @staticmethod
    def _drawn(widths: Sequence[int]) -> int:
        """Return the width of a table with columns of these widths, with what is between them."""
        return sum(widths) + 3 * len(widths) + 1

    def _lines(self, overflow: OverflowMethod) -> RenderResult:
        """Return one line for each value, with its heading."""
        if self.title:
            yield Text(str(self.title), "table.title", overflow=overflow)
        for row in zip(*(column.cells for column in self.columns), strict=True):
            yield Text()
            for column, cell in zip(self.columns, row, strict=True):
                heading = f"{column.header} " if column.header else ""
                yield Text.assemble((heading, "dim"), cell, overflow=overflow)


def table(headings: Sequence[str], rows: Iterable[Iterable[Any]], title: str = "") -> Table:
    """Return a table of values.

    Args:
        headings: what stands above the columns; one that begins with > is set to the right.
        rows: the values, as many in each row.
        title: what stands above it all.
    """
    made = Values(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for heading in headings:
        justify: JustifyMethod = "right" if heading.startswith(">") else "left"
        made.add_column(heading.removeprefix(">"), justify=justify, overflow="fold")
    for row in rows:
        made.add_row(*(v if isinstance(v, Text) else Text(str(v)) for v in row))
    return made


def note_versions(screen: Screen, **others: Any) -> None:
    """Print what a result may depend on besides the settings, and from now on how it is made."""
    from handgrad.runs import versions
    from handgrad.threads import cores

    facts = versions() | {"cores": cores()} | others
    screen.note("\n".join(f"{name} {value}" for name, value in facts.items()))
    screen.listen()


def note_test(
    screen: Screen, about: Mapping[str, Any], data: str | None, folder: Path | None
) -> None:
    """Print the versions, and where the test images that belong to a run lie."""
    from handgrad.data import available

    own, config = (
        entry if isinstance(entry := about.get(name), Mapping) else {}
        for name in ("data", "config")
    )
    name = data or own.get("name")
    if folder is None and data is None:
        folder = config.get("data_dir", config.get("folder"))
    where = folder or next((e.where for e in available() if e.name == name), "not here")
    note_versions(screen, data=f"{name}, {where}" if name else "unknown")


def _console(stream: TextIO, quiet: bool = False) -> Console:
    """Return the console of a stream; a file or a pipe has room for long lines."""
    console = Console(file=stream, quiet=quiet)
    if not console.is_terminal:
        console.width = WIDE
    return console
