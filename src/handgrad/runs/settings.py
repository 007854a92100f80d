"""Read the settings of a run from the command line, the environment and a file.

The command line overrides the environment, and the environment overrides the file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handgrad.data import is_user_data
from handgrad.errors import ConfigError, StorageError, did_you_mean
from handgrad.files import check_is_file
from handgrad.runs.config import RunConfig
from handgrad.train_config import OnResume

FIELDS = tuple(RunConfig.model_fields)
OF_OPTIMIZER = ("lr", "momentum", "weight_decay")

# HANDGRAD_DATA is the folder of data files, not the name of a data set.
PREFIX = "HANDGRAD_"
VARIABLES = {f"{PREFIX}{n.upper()}": n for n in FIELDS if n not in ("data", "data_dir")}
OTHER_VARIABLES = ("HANDGRAD_DATA", "HANDGRAD_TRACEBACK")

_PROBLEMS = {
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


def on_resume(name: str) -> OnResume:
    """Return whether a setting may change when a run is resumed."""
    about: Any = RunConfig.model_fields[name].json_schema_extra
    rule: OnResume = about["on_resume"]
    return rule


def configure(
    command: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    original: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Return the complete settings of a run.

    A source may name an optimizer that another source overrides. Its learning rate, momentum and
    weight decay are then ignored, because they were meant for that optimizer.

    Args:
        command: the settings given on the command line, by name.
        environment: the environment variables, such as HANDGRAD_LR for the setting lr.
        file: a TOML file with settings, or None.
        original: the settings of the run to resume, which all other sources override.

    Raises:
        ConfigError: if a setting is unknown, is out of range, or contradicts another setting.
    """
    in_file = _read(file) if file else {}
    in_environment = _read_environment(environment)
    sources = (original or {}, in_file, in_environment, dict(command))
    chosen = next((s["optimizer"] for s in reversed(sources) if "optimizer" in s), None)
    settings: dict[str, Any] = {}
    for source in sources:
        other = source.get("optimizer", chosen) != chosen
        settings |= {k: v for k, v in source.items() if not (other and k in OF_OPTIMIZER)}
    origin = (
        dict.fromkeys(original or {}, "from the run")
        | dict.fromkeys(in_file, f"from {file}")
        | {name: f"from HANDGRAD_{name.upper()} in the environment" for name in in_environment}
        | dict.fromkeys(command, "from the command line")
    )
    try:
        config = RunConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], origin)) from None
    if config.data_dir is not None and is_user_data(config.data):
        raise ConfigError(
            f"data_dir applies to data sets such as mnist only, but {config.data} is the path of "
            f"your own images; remove data_dir ({origin['data_dir']})"
        )
    return config


def original_settings(config: Any, checkpoint: Path) -> dict[str, Any]:
    """Check the settings in a checkpoint, and return them.

    Args:
        config: the value of the key `config` in the checkpoint.
        checkpoint: the path of the checkpoint.

    Raises:
        StorageError: if the settings are not valid.
    """
    if not isinstance(config, dict):
        raise StorageError(f"{checkpoint}: its settings are {config!r:.40}, not a table")
    for name in config:
        if name not in FIELDS:
            raise StorageError(f"{checkpoint}: unknown setting {name!r:.40}")
    try:
        RunConfig.model_validate(config)
    except ValidationError as error:
        origin = dict.fromkeys(config, "in it")
        raise StorageError(f"{checkpoint}: {_sentence(error.errors()[0], origin)}") from None
    # data_dir applies to standard data sets only, not to the user's own images.
    is_own = is_user_data(config.get("data", ""))
    return {name: value for name, value in config.items() if not (is_own and name == "data_dir")}


def check_settings(original: Mapping[str, Any], now: RunConfig, run: Path, *, force: bool) -> None:
    """Raise a ConfigError if settings have changed since a run was started, and list them.

    Args:
        original: the settings at the start of the run.
        now: the settings with which the run would be resumed.
        run: the folder of the run.
        force: whether to allow changes of every setting that may change when a run is resumed.
    """
    was, new = RunConfig.model_validate(dict(original)).plain(), now.plain()
    changed = [n for n in FIELDS if on_resume(n) != "free" and was.get(n) != new.get(n)]
    for name in changed:
        if on_resume(name) == "fixed":
            raise ConfigError(
                f"{run}: cannot resume: {_change(name, was, new)}. Start a new run in another "
                "folder."
            )
    if changed and not force:
        changes = ", ".join(_change(name, was, new) for name in changed)
        raise ConfigError(
            f"{run}: cannot resume: {changes}. Use the same settings, or allow changes with "
            "--force-settings."
        )


def _change(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"{name} was {was.get(name, 'not set')} and is now {now.get(name, 'not set')}"


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
        raise ConfigError(f"{file} is not a valid TOML file ({error}); correct the file") from None
    for name in settings:
        if name not in FIELDS:
            raise ConfigError(f"unknown setting {name} (from {file}){did_you_mean(name, FIELDS)}")
    return settings


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment, or raise a ConfigError if a name is misspelt."""
    names = [name for name, value in environment.items() if name.startswith(PREFIX) and value]
    known = {name.removeprefix(PREFIX): name for name in VARIABLES}
    for name in names:
        if name not in VARIABLES and name not in OTHER_VARIABLES:
            for similar in difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1):
                raise ConfigError(
                    f"unknown setting {name} (from the environment); did you mean {known[similar]}?"
                )
    return {VARIABLES[name]: environment[name] for name in names if name in VARIABLES}


def _sentence(error: ErrorDetails, origin: Mapping[str, str]) -> str:
    """Return a message with the setting, the problem, the invalid value and its source."""
    context = error.get("ctx", {})
    if not error["loc"]:  # two settings contradict each other
        return str(context["error"])
    name = str(error["loc"][0])
    if error["type"] == "literal_error":
        known = get_args(RunConfig.model_fields[name].annotation)
        problem = f"must be one of {', '.join(known)}{did_you_mean(str(error['input']), known)}"
    else:
        limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
        problem = _PROBLEMS.get(error["type"], error["msg"]).format(**limits)
    what, semicolon, remedy = problem.partition(";")
    return f"{name} {what}, not {error['input']!r} ({origin[name]}){semicolon}{remedy}"
