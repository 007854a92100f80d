"""The epochs of a run as they come: a growing table on a terminal, else a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from handgrad.train import Epoch


class Column(NamedTuple):
    """One column of the table.

    Attributes:
        heading: what stands above.
        width: how many characters its numbers take.
        value: what it says of an epoch.
        rank: where there is not room for all, those of the highest rank go first.
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
    Column("lr", 8, lambda e: f"{e.lr:.3g}", 6),
    Column("seconds", 7, lambda e: f"{e.seconds:.1f}", 5),
    Column("images/s", 10, lambda e: f"{e.images_per_second:,.0f}", 7),
)


class Watch(NamedTuple):
    """What is to be called while a run goes on.

    Attributes:
        epoch: with each epoch.
        progress: with how many epochs are made, such as 2.4; None: nobody looks at that.
    """

    epoch: Callable[[Epoch], None]
    progress: Callable[[float], None] | None = None


@contextmanager
def watching(console: Console, epochs: int) -> Iterator[Watch]:
    """Give what is to be called while a run goes on.

    Args:
        console: where to print.
        epochs: how many there will be at most.
    """
    if console.quiet or not console.is_terminal or console.is_dumb_terminal:
        yield Watch(lambda e: console.print(line(e, epochs), soft_wrap=True, highlight=False))
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

        def move(made: float) -> None:
            bar.update(task, completed=made, now=min(int(made) + 1, epochs))

        yield Watch(show, move)


def line(record: Epoch, epochs: int) -> str:
    """Return an epoch as a line that needs no heading."""
    validation = (
        ""
        if record.validation_loss is None
        else f", validation loss {record.validation_loss:.4f} "
        f"accuracy {record.validation_accuracy:.2%}"
    )
    return (
        f"epoch {record.number}/{epochs}: loss {record.loss:.4f} accuracy {record.accuracy:.2%}"
        f"{validation}, rate {record.lr:.3g}, {record.seconds:.1f} s, "
        f"{record.images_per_second:,.0f} images/s"
    )


def row(record: Epoch, columns: list[Column]) -> Text:
    """Return an epoch as a row of the table; the best so far is green and has a star."""
    text = _row([column.value(record) for column in columns], columns)
    if record.best:
        text.append(" *")
        text.stylize("green")
    return text


def fitting(width: int) -> list[Column]:
    """Return the columns that have room beside each other, and two characters for a star."""
    columns = list(COLUMNS)
    while len(columns) > 1 and sum(c.width + 2 for c in columns) > width:
        columns.remove(max(columns, key=lambda c: c.rank))
    return columns


def _row(cells: list[str], columns: list[Column]) -> Text:
    padded = (cell.rjust(column.width) for cell, column in zip(cells, columns, strict=True))
    return Text("  ".join(padded), no_wrap=True, overflow="crop")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
