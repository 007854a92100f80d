"""`handgrad duel`."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from handgrad.cli.options import Folder, Json, Quiet, Verbose, folder_named
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.errors import ConfigError

if TYPE_CHECKING:
    from handgrad.compare_engines import Duel


def compare_engines(
    *,
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="See `handgrad models`.", show_default=False),
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="See `handgrad data list`. Default: digits.", show_default=False
        ),
    ] = "digits",
    engines: Annotated[
        str,
        typer.Option(
            metavar="A,B", help="The engines; all are held against the first.", show_default=True
        ),
    ] = "reference,torch",
    steps: Annotated[
        int, typer.Option(metavar="N", help="Updates that each engine makes.", min=1)
    ] = 200,
    dtype: Annotated[
        Literal["float64", "float32"], typer.Option(help="float64 to prove, float32 as in use.")
    ] = "float64",
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The largest relative difference. Default: 1e-9 in float64, 1e-3 in float32.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        str, typer.Option("--batch", "--batch-size", metavar="N", help="Images in an update.")
    ] = "64",
    optimizer: Annotated[
        str, typer.Option(metavar="NAME", help="sgd, momentum, nesterov, adam or adamw.")
    ] = "momentum",
    lr: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="The learning rate. Default: one that suits the optimizer.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="N", help="Decides initial weights, order, dropout.")
    ] = "0",
    folder: Folder = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to put duel.json and differences.png. Default: nowhere.",
            show_default=False,
            parser=folder_named,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Let engines train in lock-step, and name the first step and tensor where they part.

    The exit status is 1 if they do.
    """
    from handgrad import plots
    from handgrad.files import replacing

    given = {"model": model, "data": data, "optimizer": optimizer, "seed": seed}
    given |= {"batch_size": batch_size} | ({} if lr is None else {"lr": lr})
    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engines=engines)
    sides = [name.strip() for name in engines.split(",")]
    if dtype == "float64" and "compiled" in sides:
        raise ConfigError("the compiled engine works in float32 alone; add --dtype float32")
    found = _fight(screen, given, folder, dtype, sides, steps, tolerance)
    about = {"model": model, "data": data, "dtype": dtype, "optimizer": optimizer}
    if out is not None:
        plots.save(plots.differences(found), out / "differences.png")
        with replacing(out / "duel.json") as temporary:
            temporary.write_text(dumps(about | found.plain(), indent=2) + "\n", "utf-8")
        screen.info(f"differences.png and duel.json in {out}")
    if json:
        screen.json(about | found.plain(), ok=found.parting is None)
    else:
        screen.result(_differences(found))
        screen.result(_sides(found))
        screen.result(str(found))
    if found.parting is not None:
        raise typer.Exit(1)


def _fight(
    screen: Screen,
    settings: dict[str, str],
    folder: Path | None,
    dtype: str,
    engines: list[str],
    steps: int,
    tolerance: float | None,
) -> Duel:
    """Go the way from settings to what a duel found, and show how far it is."""
    from handgrad.compare_engines import duel
    from handgrad.data import load_data
    from handgrad.runs.settings import configure

    config = configure(settings)
    train, test = load_data(config.data, folder, progress=False if screen.err.quiet else None)
    net = config.network(train, dtype)
    columns = TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn()
    off = not screen.err.is_terminal  # where nothing can be wiped out, it would leave a blank line
    with Progress(*columns, console=screen.err, transient=True, disable=off) as bar:
        task = bar.add_task("", total=steps)
        return duel(
            net,
            train,
            test,
            engines=engines,
            steps=steps,
            batch_size=config.batch_size,
            optimizer=config.recipe(train.classes).optimizer,
            tolerance=tolerance,
            seed=config.seed,
            on_step=lambda made: bar.update(task, completed=made),
        )


def _differences(found: Duel) -> Table:
    """Return the table of the largest differences of each kind."""
    from handgrad.compare_engines import KINDS

    rows = []
    for engine in found.differences:
        largest = found.largest(engine)
        rows.append((engine, *(f"{largest[k]:.1e}" if k in largest else "-" for k in KINDS)))
    title = f"largest relative difference from {found.sides[0].engine} in {found.steps} steps"
    return table(["engine", *(f">{kind}" for kind in KINDS)], rows, title)


def _sides(found: Duel) -> Table:
    """Return the table of how each engine did."""
    rows = [
        (
            side.engine,
            f"{side.seconds * 1e3:.2f}",
            "-" if side.accuracy is None else f"{side.accuracy:.2%}",
        )
        for side in found.sides
    ]
    return table(["engine", ">ms a step", ">test accuracy"], rows)
