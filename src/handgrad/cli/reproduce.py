"""`handgrad reproduce`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.exit_codes import FAILURE
from handgrad.cli.options import DataDir, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.files import check_can_write
from handgrad.signals import CommandExit

if TYPE_CHECKING:
    from rich.progress import Progress

    from handgrad.reproduce import Job, ProgressListener, RunResult

BAR = 16  # characters, so that a line fits into 80 columns


def reproduce(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Names of notebooks: softmax-regression, two-layer, convnet, fashion-mlp, "
            "online-mlp; deep-convnet or resnet7 for a modern network; or all.",
            show_default="all",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="Engine: auto, compiled or reference.")
    ] = "auto",
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Number of random seeds with which each version is run.",
            show_default="5, or 1 with --quick",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            metavar="",
            help="Use fewer epochs and images, so that the command takes only a few minutes.",
        ),
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results and the report.")
    ] = Path("runs/reproduction"),
    run_nothing: Annotated[
        bool,
        typer.Option(
            "--no-run", metavar="", help="Do not run any notebooks; only report the results so far."
        ),
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the report as Markdown to this file."),
    ] = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Reproduce five published notebooks, and compare their accuracy and speed.

    Each notebook is run in four versions: as published, with its errors corrected, in PyTorch, and
    with the best settings for its network. Two small modern networks for MNIST and Fashion-MNIST
    are run for comparison.

    Each result is saved as soon as it is ready. If the command is interrupted, run it again to
    continue. The exit status is 1 if a result is outside the expected range.
    """
    from handgrad.data import load_data
    from handgrad.reproduce import (
        NotebookResults,
        ResultStore,
        digests,
        jobs,
        notebooks,
        pending,
        report,
        run,
    )

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    books = notebooks(names or ["all"], quick=quick)
    check_can_write(out / "report.html")
    if write is not None:
        check_can_write(write)
    count = seeds or (1 if quick else 5)
    data = {book.data: load_data(book.data, data_dir, progress=screen.progress) for book in books}
    store = ResultStore(out, digests(data), engine, screen.info)
    work = jobs(books, count)
    rest = pending(work, store)
    done = len(work) - len(rest)
    if done or run_nothing:
        screen.info(f"{done} of {len(work)} results are in {out} already")
    try:
        with _show_progress(screen, len(work), done) as listener:
            run([] if run_nothing else rest, store, data, listener)
        results = [NotebookResults(book, store, count) for book in books]
        made = report(results, data, quick=quick)
        for name, text in (("report.html", made.html), ("report.md", made.markdown)):
            made.write(out / name, text)
        if write is not None:
            made.write(write, made.markdown)
    except (KeyboardInterrupt, CommandExit):
        _print_how_to_continue(screen, out)
        raise

    for each in made.tables:
        screen.result(table(each.headings, each.rows, each.title))
    screen.result(f"report in {out / 'report.html'}")
    violations = [sentence for each in results for sentence in each.violations()]
    for sentence in violations:
        screen.error(sentence)
    if violations:
        raise typer.Exit(FAILURE)


def _print_how_to_continue(screen: Screen, out: Path) -> None:
    """After an interruption, print the folder of the results, or remove it if it is empty."""
    if any(path.is_file() for path in out.rglob("*")):
        screen.info(f"the results so far are in {out}; run the same command again to continue")
    else:
        with suppress(OSError):
            out.rmdir()


@contextmanager
def _show_progress(screen: Screen, total: int, done: int) -> Iterator[ProgressListener]:
    """Yield an object that shows the progress of the jobs."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = screen.err
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(BAR),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=console.quiet or not console.is_terminal,
    )
    with bars:
        yield _Bars(screen, bars, total, done)


class _Bars:
    """Shows a progress bar for all jobs, one for the current job, and a line per finished job.

    Args:
        screen: the screen on which the lines are printed.
        bars: the display of the progress bars.
        total: the number of jobs.
        done: the number of jobs that are already done.
    """

    def __init__(self, screen: Screen, bars: Progress, total: int, done: int) -> None:
        self._screen, self._bars, self._total, self._done = screen, bars, total, done
        self._all = bars.add_task(self._count(), total=total, completed=done)
        self._current = bars.add_task("", total=1.0)

    def start(self, job: Job) -> None:
        """Show the name of the job that has started."""
        kind = job.description.rpartition(", ")[2]
        self._bars.reset(self._current, description=f"{job.notebook}, {kind}, seed {job.seed}")

    def advance(self, done: float) -> None:
        """Show the progress of the current job."""
        self._bars.update(self._current, completed=done)

    def finish(self, job: Job, result: RunResult | None, reason: str) -> None:
        """Print the result of a job."""
        self._done += 1
        self._bars.update(self._all, completed=self._done, description=self._count())
        self._screen.info(f"{self._done} of {self._total}: {line(job, result, reason)}")

    def _count(self) -> str:
        return f"{self._done} of {self._total} done"


def line(job: Job, result: RunResult | None, reason: str) -> str:
    """Describe the result of a job in one line, or why the job was skipped."""
    name = f"{job.notebook}, {job.description}, seed {job.seed}"
    if result is None:
        return f"{name}: skipped; {reason}"
    parts = []
    for metric, value in result.metrics.items():
        if metric.endswith(": microseconds"):
            parts.append(f"{metric.removesuffix(': microseconds')} {value:,.1f} µs per image")
        elif metric.endswith(" accuracy") and not metric.endswith(": accuracy"):
            parts.append(f"{metric} {value:.2%}")
    parts += [f"{result.seconds:.1f} s"] if result.seconds >= 0.05 else []
    return f"{name}: {', '.join(parts) or 'done'}"
