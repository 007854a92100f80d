"""A search as it goes on: accuracy against seconds, on a terminal as a chart, else in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from handgrad.auto import STAGES, Moment, words

HEIGHT, WIDEST = 9, 72  # of the chart, in characters
AXIS = 6  # characters to the left of it


@contextmanager
def watching(console: Console, seconds: float) -> Iterator[Callable[[Moment], None]]:
    """Give what is to be called with each moment of a search.

    Args:
        console: where to print.
        seconds: how many there are.
    """
    if console.quiet or not console.is_terminal or console.is_dumb_terminal:
        yield lambda moment: _print_end(console, moment)
        return
    width = max(10, min(WIDEST, console.width - AXIS - 2))
    bar = Progress(
        BarColumn(max(4, width - 12)), TimeElapsedColumn(), TextColumn("of {task.fields[all]}")
    )
    task = bar.add_task("", total=seconds, all=f"{seconds // 60:.0f}:{seconds % 60:02.0f}")
    moments: list[Moment] = []
    live = Live(bar, console=console, transient=True)

    def watch(moment: Moment) -> None:
        moments.append(moment)
        live.start()
        _print_end(live.console, moment)
        bar.update(task, completed=moment.seconds)
        now = Text(told(moment), no_wrap=True, overflow="ellipsis")
        live.update(Group(chart(moments, seconds, width), now, bar))

    try:
        yield watch
    finally:
        live.stop()


def told(moment: Moment) -> str:
    """Return what is being tried, and how far it has come."""
    trial = moment.trial
    said = f"{moment.seconds:5.1f} s  {STAGES[trial.stage]:<10}  {words(trial.config)}: "
    if trial.diverged:
        return f"{said}a number was not finite"
    if not trial.counts:
        return f"{said}no epoch in the time it had"
    epoch = f"epoch {len(trial.records)}/{trial.config.epochs}"
    if not trial.config.validation:
        return f"{said}{epoch}"
    accuracy = trial.accuracy if moment.over else trial.records[-1].validation_accuracy or 0.0
    best = " (best so far)" if moment.over and accuracy == moment.best else ""
    return f"{said}{epoch}, {accuracy:.2%}{best}"


def chart(moments: list[Moment], seconds: float, width: int) -> Text:
    """Return the validation accuracy of each epoch over the seconds, the best so far in green.

    Args:
        moments: some.
        seconds: where the axis ends.
        width: how many characters it takes.
    """
    highest = max(moment.best for moment in moments)
    low = max(0.0, 2 * highest - 1.1)
    cells = [[" "] * width for _ in range(HEIGHT)]

    def put(at: float, accuracy: float, sign: str) -> None:
        row = int((1 - accuracy) / (1 - low) * HEIGHT)
        if row < HEIGHT:
            cells[row][min(int(at / seconds * width), width - 1)] = sign

    for moment in moments:
        accuracy = moment.trial.records[-1].validation_accuracy if moment.trial.records else None
        if accuracy is not None:
            put(moment.seconds, accuracy, "·")
    for moment in moments:
        put(moment.seconds, moment.best, "●")
    text = Text("accuracy on validation images against seconds\n", "bold")
    for row, line in enumerate(cells):
        text.append(f"{1 - row / HEIGHT * (1 - low):>{AXIS - 2}.0%} ┤", "dim")
        for sign in line:
            text.append(sign, "green" if sign == "●" else "dim")
        text.append("\n")
    return text.append(" " * (AXIS - 1) + "└" + "─" * width, "dim")


def _print_end(console: Console, moment: Moment) -> None:
    """Print what came of a trial that is over."""
    if moment.over:
        best = moment.trial.counts and moment.trial.accuracy == moment.best
        console.print(
            told(moment), style="green" if best else None, soft_wrap=True, highlight=False
        )
