"""Where a run's settings come from: the command line over the environment over a file."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from handgrad.data import is_user_data
from handgrad.errors import ConfigError, StorageError
from handgrad.files import check_is_file
from handgrad.runs.config import Config, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FIELDS = tuple(Config.model_fields)
OF_OPTIMIZER = ("lr", "momentum", "weight_decay")

# HANDGRAD_DATA is the folder in which data is looked for, not the name of a data set.
VARIABLES = {f"HANDGRAD_{name.upper()}": name for name in FIELDS if name not in ("data", "folder")}
OTHER_VARIABLES = ("HANDGRAD_DATA", "HANDGRAD_TRACEBACK")

_TROUBLES = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
    "value_error": "{error}",
}


# What a run's numbers do not follow from, and what it cannot do without.
FREE = ("folder", "out", "calibrate", "figures", "checkpoint_minutes", "on_divergence")
FIXED = ("data", "size", "preprocessing", "model", "seed", "validation", "batch_size")


def configure(
    command: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    begun: Mapping[str, Any] | None = None,
) -> Config:
    """Return the settings of a run, those that nobody gave filled in.

    A source that names another optimizer than the one chosen in the end does not give its learning
    rate, momentum or weight decay: they were meant for the other one.

    Args:
        command: what the command line gives, by field.
        environment: the environment variables; HANDGRAD_LR gives the field lr.
        file: a TOML file that gives some; None: there is none.
        begun: the settings of a run that goes on, over which the others go.

    Raises:
        ConfigError: if a setting is unknown, out of range, or contradicts another.
    """
    in_file = _read(file) if file else {}
    in_environment = _read_environment(environment)
    sources = (begun or {}, in_file, in_environment, dict(command))
    chosen = next((s["optimizer"] for s in reversed(sources) if "optimizer" in s), None)
    settings: dict[str, Any] = {}
    for source in sources:
        other = source.get("optimizer", chosen) != chosen
        settings |= {k: v for k, v in source.items() if not (other and k in OF_OPTIMIZER)}
    origin = (
        dict.fromkeys(begun or {}, "from the run")
        | dict.fromkeys(in_file, f"from {file}")
        | {name: f"from HANDGRAD_{name.upper()} in the environment" for name in in_environment}
        | dict.fromkeys(command, "from the command line")
    )
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], origin)) from None
    if config.folder is not None and is_user_data(config.data):
        raise ConfigError(
            f"folder is for data with a name, such as mnist, and {config.data} is where images "
            f"of your own lie; leave it out ({origin['folder']})"
        )
    return config


def begun_with(config: Any, checkpoint: Path) -> dict[str, Any]:
    """Return the settings that a checkpoint remembers, checked: somebody may have edited them.

    Args:
        config: what it holds for them.
        checkpoint: the file.

    Raises:
        StorageError: if they are no settings.
    """
    if not isinstance(config, dict):
        raise StorageError(f"{checkpoint}: holds {config!r:.40} in place of settings")
    for name in config:
        if name not in FIELDS:
            raise StorageError(f"{checkpoint}: there is no setting {name!r:.40}")
    try:
        Config.model_validate(config)
    except ValidationError as error:
        origin = dict.fromkeys(config, "in it")
        raise StorageError(f"{checkpoint}: {_sentence(error.errors()[0], origin)}") from None
    # A folder beside images of one's own meant nothing when it could still be given.
    own = is_user_data(config.get("data", ""))
    return {name: value for name, value in config.items() if not (own and name == "folder")}


def check_settings(begun: Mapping[str, Any], now: Config, run: Path, *, force: bool) -> None:
    """Raise a ConfigError that says in what the settings of a run that goes on are others.

    Args:
        begun: the settings that it was begun with.
        now: those that it is to go on with.
        run: its folder.
        force: whether what may differ, may.
    """
    was, new = Config.model_validate(dict(begun)).plain(), now.plain()
    others = [name for name in FIELDS if name not in FREE and was.get(name) != new.get(name)]
    for name in FIXED:
        if name in others:
            raise ConfigError(
                f"{run} was begun with {_told(name, was)}, which cannot be changed any more; "
                "leave it out, or begin a new run"
            )
    if others and not force:
        before, after = (", ".join(_told(name, s) for name in others) for s in (was, new))
        raise ConfigError(
            f"{run} was begun with {before}, not {after}; leave that out, or add "
            "--force-settings to go on with it"
        )


def _told(name: str, settings: Mapping[str, Any]) -> str:
    return f"{name} {settings[name]}" if name in settings else f"no {name}"


def _read(file: Path) -> dict[str, Any]:
    """Return the settings in a TOML file."""
    try:
        check_is_file(file)
        settings = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}); give the path of a TOML file"
        ) from None
    except ValueError as error:  # it is not TOML, or not UTF-8
        raise ConfigError(f"{file} is not a TOML file ({error}); correct it there") from None
    for name in settings:
        if name not in FIELDS:
            near = nearest(name, FIELDS)
            raise ConfigError(
                f"there is no setting {name!r} (from {file}); the nearest is {near!r}"
            )
    return settings


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among the variables, and refuse what looks like one misspelt."""
    ours = [name for name, value in environment.items() if name.startswith("HANDGRAD_") and value]
    for name in ours:
        if name not in VARIABLES and name not in OTHER_VARIABLES:
            for near in difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.8):
                raise ConfigError(
                    f"there is no setting {name} (from the environment); the nearest is {near}"
                )
    return {VARIABLES[name]: environment[name] for name in ours if name in VARIABLES}


def _sentence(error: ErrorDetails, origin: Mapping[str, str]) -> str:
    """Return which setting is wrong and how, what it was, and where it came from."""
    context = error.get("ctx", {})
    if not error["loc"]:  # two settings that contradict each other
        return str(context["error"])
    name = str(error["loc"][0])
    if error["type"] == "literal_error":
        known = get_args(Config.model_fields[name].annotation)
        near = nearest(str(error["input"]), known)
        trouble = f"must be one of {', '.join(known)}; the nearest is {near}"
    else:
        limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
        trouble = _TROUBLES.get(error["type"], error["msg"]).format(**limits)
    what, semicolon, cure = trouble.partition(";")
    return f"{name} {what}, not {error['input']!r} ({origin[name]}){semicolon}{cure}"
