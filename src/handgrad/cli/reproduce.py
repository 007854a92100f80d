"""`handgrad reproduce`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import Folder, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.files import check_can_write
from handgrad.signals import Leaving

if TYPE_CHECKING:
    from rich.progress import Progress

    from handgrad.reproduce import Outcome, Piece, Watch


def reproduce(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME... | all]",
            help="Which notebooks, by the names of their networks.",
            show_default="all",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="What trains: auto, compiled, reference.")
    ] = "auto",
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many seeds.", show_default="5, 1 if --quick"),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", metavar="", help="Less of each, in some minutes.")
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where results are kept, and the report goes.")
    ] = Path("runs/reproduction"),
    run_nothing: Annotated[
        bool, typer.Option("--no-run", metavar="", help="Run nothing, report what is done.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the report in Markdown there."),
    ] = None,
    folder: Folder = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Run five published notebooks: as published, corrected, in PyTorch, and at their best.

    Beside them two small modern networks of ours, for MNIST and for Fashion-MNIST.

    What is done is kept. Interrupted, it goes on from there when it is run again.

    The exit status is 1 if a figure lies outside the range where it must lie.
    """
    from handgrad.data import load_data
    from handgrad.reproduce import Findings, Store, digests, left, notebooks, pieces, report, run

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    books = notebooks(names or ["all"], quick=quick)
    check_can_write(out / "report.html")
    if write is not None:
        check_can_write(write)
    count = seeds or (1 if quick else 5)
    shown = False if screen.err.quiet else None
    data = {book.data: load_data(book.data, folder, progress=shown) for book in books}
    store = Store(out, digests(data), engine, screen.info)
    work = pieces(books, count)
    rest = left(work, store)
    done = len(work) - len(rest)
    if done or run_nothing:
        screen.info(f"{done} of {len(work)} pieces are done already, in {out}")
    try:
        with _watching(screen, len(work), done) as watch:
            run([] if run_nothing else rest, store, data, watch)
        found = [Findings(book, store, count) for book in books]
        told = report(found, data, quick=quick)
        for name, text in (("report.html", told.html), ("report.md", told.markdown)):
            told.write(out / name, text)
        if write is not None:
            told.write(write, told.markdown)
    except (KeyboardInterrupt, Leaving):
        _say_what_is_kept(screen, out)
        raise

    for each in told.tables:
        screen.result(table(each.headings, each.rows, each.title))
    screen.result(f"report in {out / 'report.html'}")
    troubles = [sentence for findings in found for sentence in findings.troubles()]
    for sentence in troubles:
        screen.error(sentence)
    if troubles:
        raise typer.Exit(1)


def _say_what_is_kept(screen: Screen, out: Path) -> None:
    """Say where what is done lies, if anything is; else leave no empty folder."""
    if any(path.is_file() for path in out.rglob("*")):
        screen.info(f"what is done is kept in {out}; the same command goes on from there")
    else:
        with suppress(OSError):
            out.rmdir()


@contextmanager
def _watching(screen: Screen, total: int, done: int) -> Iterator[Watch]:
    """Give what is to be told how far the work is."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = screen.err
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=console.quiet or not console.is_terminal,
    )
    with bars:
        yield _Bars(screen, bars, total, done)


class _Bars:
    """Two bars on a terminal, all of the work and the piece at hand; a line for each that ends."""

    def __init__(self, screen: Screen, bars: Progress, total: int, done: int) -> None:
        self._screen, self._bars, self._total, self._done = screen, bars, total, done
        self._all = bars.add_task(self._left(), total=total, completed=done)
        self._piece = bars.add_task("", total=1.0)

    def begin(self, piece: Piece) -> None:
        """Show which piece it is."""
        words = f"{piece.notebook}: {piece.what}, seed {piece.seed}"
        self._bars.reset(self._piece, description=words)

    def share(self, done: float) -> None:
        """Show how much of it is done."""
        self._bars.update(self._piece, completed=done)

    def end(self, piece: Piece, outcome: Outcome | None, why: str) -> None:
        """Say what came of it."""
        self._done += 1
        self._bars.update(self._all, completed=self._done, description=self._left())
        self._screen.info(f"{self._done} of {self._total}: {line(piece, outcome, why)}")

    def _left(self) -> str:
        return f"{self._done} of {self._total} done"


def line(piece: Piece, outcome: Outcome | None, why: str) -> str:
    """Return what came of a piece in a line."""
    name = f"{piece.notebook}, {piece.what}, seed {piece.seed}"
    if outcome is None:
        return f"{name}: left out; {why}"
    told = [f"{k} {v:.2%}" for k, v in outcome.figures.items() if k.endswith(" accuracy")]
    took = [f"{outcome.seconds:.1f} s"] if outcome.seconds else []
    return f"{name}: {', '.join([*told, *took]) or 'done'}"
