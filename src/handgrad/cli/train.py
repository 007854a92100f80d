"""`handgrad train`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli.options import Json, Mlflow, Quiet, Tensorboard, Verbose
from handgrad.cli.screen import Screen
from handgrad.cli.train_options import OPTIONS, TrainOption
from handgrad.cli.train_run import resume_training, start_training
from handgrad.errors import ConfigError

INTERRUPTION = "Interruption and divergence"

Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="TOML file with settings, such as the config.toml of a run.",
        show_default=False,
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Resume the interrupted run in this folder.",
        rich_help_panel=INTERRUPTION,
        show_default=False,
    ),
]
ForceSettings = Annotated[
    bool,
    typer.Option(
        "--force-settings",
        metavar="",
        help="With --resume: use the new settings if they differ from those of the run. Some "
        "settings, such as the data, model and seed, cannot change.",
        rich_help_panel=INTERRUPTION,
    ),
]


def train(
    *,
    config: Config = None,
    resume: Resume = None,
    force_settings: ForceSettings = False,
    tensorboard: Tensorboard = False,
    mlflow: Mlflow = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    **settings: Any,
) -> None:
    """Train a network, test it, and save the results in a folder (a run).

    Settings can also be given in a --config file or as environment variables: HANDGRAD_LR=0.01, for
    example, has the same effect as --lr 0.01. The command line overrides environment variables, and
    environment variables override the file.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    trackers = {"tensorboard": tensorboard, "mlflow": mlflow}
    screen = Screen(quiet)
    if force_settings and resume is None:
        raise ConfigError("--force-settings needs --resume RUN; remove --force-settings")
    if resume is None:
        start_training(screen, given, config, verbose, trackers, as_json=json)
    else:
        resume_training(
            screen, resume, given, config, force_settings, verbose, trackers, as_json=json
        )


def _parameter(option: TrainOption) -> inspect.Parameter:
    """Return the function parameter for one option. Its value is the text that the user typed."""
    common: dict[str, Any] = {"help": option.help, "show_default": False}
    kind: Any = bool | None if option.is_switch else str | None
    metavar = "" if option.is_switch else option.metavar
    info = (
        typer.Argument(metavar=metavar, **common)
        if option.name == "data"
        else typer.Option(
            *option.flags,
            metavar=metavar,
            rich_help_panel=None if option.panel == "Options" else option.panel,
            **common,
        )
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind, info],
    )


def _add_options() -> None:
    """Give the function `train` a signature with one parameter per setting, for typer to read."""
    own = inspect.signature(train, eval_str=True).parameters.values()
    settings = [_parameter(option) for option in OPTIONS]
    parameters = [*settings, *(p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD)]
    train.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    train.__annotations__ = {p.name: p.annotation for p in parameters}


_add_options()
