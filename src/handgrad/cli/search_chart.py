"""Shows the progress of a search: as a chart in a terminal, otherwise as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from handgrad.automl import STAGES, SearchProgress, describe
from handgrad.cli.screen import print_text

HEIGHT, MAX_WIDTH = 9, 72  # of the chart, in characters
AXIS = 6  # characters to the left of the chart


@contextmanager
def show_progress(console: Console, seconds: float) -> Iterator[Callable[[SearchProgress], None]]:
    """Yield a function that shows the progress of a search each time it is called.

    Args:
        console: the console to print to.
        seconds: the time limit of the search.
    """
    if console.quiet or not console.is_terminal or console.is_dumb_terminal:
        yield lambda progress: print_trial(console, progress)
        return
    width = max(10, min(MAX_WIDTH, console.width - AXIS - 2))
    bar = Progress(
        BarColumn(max(4, width - 12)), TimeElapsedColumn(), TextColumn("of {task.fields[all]}")
    )
    task = bar.add_task("", total=seconds, all=f"{seconds // 60:.0f}:{seconds % 60:02.0f}")
    past: list[SearchProgress] = []
    live = Live(bar, console=console, transient=True)

    def show(progress: SearchProgress) -> None:
        past.append(progress)
        live.start()
        print_trial(live.console, progress)
        bar.update(task, completed=progress.seconds)
        line = Text(progress_line(progress))
        live.update(Group(chart(past, seconds, width), line, bar))

    try:
        yield show
    finally:
        live.stop()


def progress_line(progress: SearchProgress) -> str:
    """Describe the current trial and its state in one line."""
    trial = progress.trial
    text = f"{progress.seconds:5.1f} s  {STAGES[trial.stage]:<10}  {describe(trial.config)}: "
    if trial.diverged:
        return f"{text}diverged: a value is NaN or infinite"
    if not trial.is_valid:
        return f"{text}ran out of time before its first epoch ended"
    epoch = f"epoch {len(trial.records)}/{trial.config.epochs}"
    if not trial.config.validation:
        return f"{text}{epoch}"
    accuracy = trial.accuracy if progress.is_over else trial.records[-1].validation_accuracy or 0.0
    best = " (best so far)" if progress.is_over and accuracy == progress.best else ""
    return f"{text}{epoch}, {accuracy:.2%}{best}"


def chart(past: list[SearchProgress], seconds: float, width: int) -> Text:
    """Draw the validation accuracy of each epoch over time; the best accuracy so far is green.

    Args:
        past: the states of the search so far; there must be at least one.
        seconds: the end of the time axis, in seconds since the start of the search.
        width: the width of the chart in characters.
    """
    highest = max(progress.best for progress in past)
    low = max(0.0, 2 * highest - 1.1)
    cells = [[" "] * width for _ in range(HEIGHT)]

    def put(at: float, accuracy: float, mark: str) -> None:
        row = int((1 - accuracy) / (1 - low) * HEIGHT)
        if row < HEIGHT:
            cells[row][min(int(at / seconds * width), width - 1)] = mark

    for progress in past:
        records = progress.trial.records
        accuracy = records[-1].validation_accuracy if records else None
        if accuracy is not None:
            put(progress.seconds, accuracy, "·")
    for progress in past:
        put(progress.seconds, progress.best, "●")
    text = Text("validation accuracy (time in seconds)\n", "bold")
    for row, line in enumerate(cells):
        text.append(f"{1 - row / HEIGHT * (1 - low):>{AXIS - 2}.0%} ┤", "dim")
        for mark in line:
            text.append(mark, "green" if mark == "●" else "dim")
        text.append("\n")
    return text.append(" " * (AXIS - 1) + "└" + "─" * width, "dim")


def print_trial(console: Console, progress: SearchProgress) -> None:
    """Print the result of a trial if it has ended."""
    if progress.is_over:
        trial = progress.trial
        is_best = trial.is_valid and trial.accuracy == progress.best
        line = progress_line(progress)
        print_text(console, line, style="green" if is_best else None)
