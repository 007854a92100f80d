"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.errors import ConfigError


def _from_above(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Return a switch, which may also be given before the name of the command."""
    above = ctx.parent.params.get(param.name) if ctx.parent and param.name else None
    return value or above or value


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: int) -> int:
    """Return a count like `_from_above`, and store it for the outermost command."""
    ctx.find_root().obj = value = _from_above(ctx, param, value)
    return value


def folder_named(text: str) -> Path:
    """Return the path of a folder to write to; reject an empty name."""
    if not text:
        raise ConfigError(
            "the name of the output folder is empty; give a name, or . for the current folder"
        )
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
        help="Print versions, engine, cores and the data's folder; twice: also tracebacks.",
        callback=_keep,
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON.")]
Tensorboard = Annotated[
    bool,
    typer.Option("--tensorboard", metavar="", help="Also write events for TensorBoard."),
]
Mlflow = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        metavar="",
        help="Also log to MLflow: $MLFLOW_TRACKING_URI, or mlflow.db in the current folder.",
    ),
]
RunPath = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="Folder of a run, or a model file.", show_default=False),
]
DataName = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="Data set to use instead of the run's own."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder of the data files. Default: $HANDGRAD_DATA, the cache, or a download.",
        show_default=False,
    ),
]
