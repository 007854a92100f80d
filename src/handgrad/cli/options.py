"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.errors import ConfigError


def _from_above(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Return a switch, or the same switch given before the command's name."""
    above = ctx.parent.params.get(param.name) if ctx.parent and param.name else None
    return value or above or value


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: int) -> int:
    """Return a count as `_from_above`, and let the outermost command know it."""
    ctx.find_root().obj = value = _from_above(ctx, param, value)
    return value


def folder_named(text: str) -> Path:
    """Return the path of a folder to write to; an empty one would be the folder we are in."""
    if not text:
        raise ConfigError("give the name of a folder to write to, not nothing; . is this one")
    return Path(text)


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", metavar="", help="Print results only.", callback=_from_above),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Print versions, engine, cores and where the data lies; twice: a traceback too.",
        callback=_keep,
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON.")]
Tensorboard = Annotated[
    bool,
    typer.Option("--tensorboard", metavar="", help="Write events for TensorBoard too."),
]
Mlflow = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        metavar="",
        help="Tell MLflow too: $MLFLOW_TRACKING_URI, else mlflow.db in this folder.",
    ),
]
RunPath = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="The folder of a run, or a model file.", show_default=False),
]
DataName = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="Other data than the run's own."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where the data files lie. Else: $HANDGRAD_DATA, the cache, a download.",
        show_default=False,
    ),
]
