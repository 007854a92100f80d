"""Shows the epochs of a run: as a table in a terminal, otherwise as one line per epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from handgrad.train import Epoch

LEAST_LR = 1e-4  # a smaller learning rate is printed as <0.0001
HALF_MILLISECOND = 0.0005


class Column(NamedTuple):
    """One column of the table of epochs.

    Attributes:
        heading: the heading of the column.
        width: the width of the values in characters.
        value: a function that returns the text for an epoch.
        rank: if the terminal is too narrow, columns are left out; the one with the highest rank
            goes first.
    """

    heading: str
    width: int
    value: Callable[[Epoch], str]
    rank: int


COLUMNS = (
    Column("epoch", 5, lambda e: str(e.number), 0),
    Column("loss", 7, lambda e: f"{e.loss:.4f}", 4),
    Column("accuracy", 8, lambda e: f"{e.accuracy:.2%}", 3),
    Column("val. loss", 9, lambda e: _number(e.validation_loss, ".4f"), 2),
    Column("val. accuracy", 13, lambda e: _number(e.validation_accuracy, ".2%"), 1),
    Column("lr", 8, lambda e: lr_text(e.lr), 6),
    Column("time", 7, lambda e: duration_text(e.seconds), 5),
    Column("images/s", 10, lambda e: f"{e.images_per_second:,.0f}", 7),
)


class EpochDisplay(NamedTuple):
    """The functions that show a training run on the screen.

    Attributes:
        epoch: shows the record of an epoch.
        progress: shows the number of epochs done so far, such as 2.4; or None if there is no
            progress bar.
    """

    epoch: Callable[[Epoch], None]
    progress: Callable[[float], None] | None = None


@contextmanager
def showing_epochs(console: Console, epochs: int) -> Iterator[EpochDisplay]:
    """Yield the functions that show a training run, with a progress bar if stderr is a terminal.

    Args:
        console: the console to print to.
        epochs: the maximum number of epochs.
    """
    if console.quiet or not console.is_terminal or console.is_dumb_terminal:

        def show_line(record: Epoch) -> None:
            console.print(line(record, epochs), soft_wrap=True, highlight=False)

        yield EpochDisplay(show_line)
        return
    columns = fitting(console.width)
    console.print(_row([column.heading for column in columns], columns), style="bold")
    bar = Progress(
        SpinnerColumn(),
        TextColumn("epoch {task.fields[now]} of {task.total}"),
        BarColumn(max(4, min(30, console.width - 32))),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    task = bar.add_task("", total=epochs, now=1)
    with Live(bar, console=console, transient=True) as live:

        def show(record: Epoch) -> None:
            live.console.print(row(record, columns))
            move(record.number)

        def move(done: float) -> None:
            bar.update(task, completed=done, now=min(int(done) + 1, epochs))

        yield EpochDisplay(show, move)


def line(record: Epoch, epochs: int) -> str:
    """Describe an epoch in one line of text."""
    validation = (
        ""
        if record.validation_loss is None
        else f", validation loss {record.validation_loss:.4f} "
        f"accuracy {record.validation_accuracy:.2%}"
    )
    return (
        f"epoch {record.number}/{epochs}: loss {record.loss:.4f} accuracy {record.accuracy:.2%}"
        f"{validation}, lr {lr_text(record.lr)}, {duration_text(record.seconds)}, "
        f"{record.images_per_second:,.0f} images/s"
    )


def row(record: Epoch, columns: list[Column]) -> Text:
    """Return the table row of an epoch; the row of the best epoch so far is green with a star."""
    text = _row([column.value(record) for column in columns], columns)
    if record.best:
        text.append(" *")
        text.stylize("green")
    return text


def fitting(width: int) -> list[Column]:
    """Return the columns that fit into a width, with two characters reserved for the star."""
    columns = list(COLUMNS)
    while len(columns) > 1 and sum(c.width + 2 for c in columns) > width:
        columns.remove(max(columns, key=lambda c: c.rank))
    return columns


def lr_text(lr: float) -> str:
    """Format a learning rate with three significant digits and without an exponent."""
    return "<0.0001" if 0 < lr < LEAST_LR else f"{lr:.3g}"


def duration_text(seconds: float) -> str:
    """Format a duration in a suitable unit, such as "12 ms", "1.3 s", "2.1 min" or "1.5 h"."""
    if seconds < 1 - HALF_MILLISECOND:
        return f"{1000 * seconds:.0f} ms"
    for unit, length in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 60 * length or unit == "h":
            break
    return f"{seconds / length:.1f} {unit}"


def _row(cells: list[str], columns: list[Column]) -> Text:
    padded = (cell.rjust(column.width) for cell, column in zip(cells, columns, strict=True))
    return Text("  ".join(padded), no_wrap=True, overflow="crop")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
