"""`handgrad compare-engines`."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from handgrad.cli.exit_codes import FAILURE
from handgrad.cli.options import NAMED_OPTIMIZERS, DataDir, Json, Quiet, Verbose, output_folder
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.errors import ConfigError

if TYPE_CHECKING:
    from handgrad.engine_comparison import EngineComparison


def compare_engines(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Name of a built-in network; `handgrad models` lists them.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Name of a data set (`handgrad data list` lists them), or the path of your own "
            "images.",
        ),
    ] = "digits",
    engines: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Names of the engines (reference, torch, compiled), separated by commas. All are "
            "compared with the first.",
        ),
    ] = "reference,torch",
    steps: Annotated[int, typer.Option(metavar="N", help="Number of training steps.", min=1)] = 200,
    dtype: Annotated[
        Literal["float64", "float32"],
        typer.Option(
            metavar="NAME",
            help="Number format: float64 for a strict comparison, or float32 as in training.",
        ),
    ] = "float64",
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Largest allowed relative difference from the first engine. Default: 1e-9 in "
            "float64, 1e-3 in float32.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        str,
        typer.Option(
            "--batch",
            "--batch-size",
            metavar="N",
            help="Batch size: the number of images per update.",
        ),
    ] = "64",
    optimizer: Annotated[
        str, typer.Option(metavar="NAME", help=f"Optimizer: {NAMED_OPTIMIZERS}.")
    ] = "momentum",
    lr: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="Learning rate. Default: the same as in `train`; it depends on the optimizer.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="N", help="Seed of the initial weights, image order and dropout.")
    ] = "0",
    data_dir: DataDir = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to which comparison.json and differences.png are written. Default: no "
            "files are written.",
            show_default=False,
            parser=output_folder,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Train one network with several engines, and report the first difference.

    The engines are compared after each update. The exit status is 1 if a difference exceeds the
    tolerance.
    """
    from handgrad import plots
    from handgrad.files import replacing

    given = {"model": model, "data": data, "optimizer": optimizer, "seed": seed}
    given |= {"batch_size": batch_size} | ({} if lr is None else {"lr": lr})
    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engines=engines)
    names = [name.strip() for name in engines.split(",")]
    if dtype == "float64" and "compiled" in names:
        raise ConfigError("the compiled engine works in float32 only; add --dtype float32")
    result = _compare(screen, given, data_dir, dtype, names, steps, tolerance)
    about = {"model": model, "data": data, "dtype": dtype, "optimizer": optimizer}
    if out is not None:
        plots.save(plots.differences(result), out / "differences.png")
        with replacing(out / "comparison.json") as temporary:
            temporary.write_text(dumps(about | result.as_json(), indent=2) + "\n", "utf-8")
        screen.info(f"wrote differences.png and comparison.json to {out}")
    if json:
        screen.json(about | result.as_json(), ok=result.ok)
    else:
        screen.result(_differences(result))
        screen.result(_engines(result))
        screen.result(str(result))
    if not result.ok:
        raise typer.Exit(FAILURE)


def _compare(
    screen: Screen,
    settings: dict[str, str],
    data_dir: Path | None,
    dtype: str,
    engines: list[str],
    steps: int,
    tolerance: float | None,
) -> EngineComparison:
    """Compare the engines, and show a progress bar during the comparison."""
    from handgrad.data import load_data
    from handgrad.engine_comparison import compare_engines
    from handgrad.runs.settings import configure

    config = configure(settings)
    train, test = load_data(config.data, data_dir, progress=screen.progress)
    net = config.network(train, dtype)
    columns = TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn()
    off = not screen.err.is_terminal  # otherwise it would print a blank line
    with Progress(*columns, console=screen.err, transient=True, disable=off) as bar:
        task = bar.add_task("", total=steps)
        return compare_engines(
            net,
            train,
            test,
            engines=engines,
            steps=steps,
            batch_size=config.batch_size,
            optimizer=config.train_config(train.classes).optimizer,
            tolerance=tolerance,
            seed=config.seed,
            on_step=lambda made: bar.update(task, completed=made),
        )


def _differences(result: EngineComparison) -> Table:
    """Return a table of the largest difference in loss, activations, gradients and parameters."""
    from handgrad.engine_comparison import KINDS

    rows = []
    for engine in result.differences:
        largest = result.largest(engine)
        rows.append((engine, *(f"{largest[k]:.1e}" if k in largest else "-" for k in KINDS)))
    first, steps = result.engines[0].engine, result.steps
    title = f"largest relative difference from {first} in {steps} step{'s' * (steps > 1)}"
    return table(["engine", *(f">{kind}" for kind in KINDS)], rows, title)


def _engines(result: EngineComparison) -> Table:
    """Return a table of the speed and accuracy of each engine."""
    rows = [
        (
            summary.engine,
            f"{summary.seconds * 1e3:.2f}",
            "-" if summary.accuracy is None else f"{summary.accuracy:.2%}",
        )
        for summary in result.engines
    ]
    return table(["engine", ">ms per step", ">test accuracy"], rows)
