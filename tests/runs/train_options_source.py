"""Writes src/handgrad/cli/train_options.py from the fields of `RunConfig`.

After a change of `RunConfig` or `TrainConfig`, run `python -m tests.runs.train_options_source`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import handgrad
from handgrad.runs.config import RunConfig

FILE = Path(handgrad.__file__).parent / "cli" / "train_options.py"

HEADER = '''"""The options of `handgrad train` that are settings of the run.

Generated from `RunConfig` by ``python -m tests.runs.train_options_source``; do not edit. The
module contains only text, so that the command line starts without loading pydantic and NumPy.
"""

# ruff: noqa: E501
# fmt: off

from typing import NamedTuple


class TrainOption(NamedTuple):
    """One option.

    Attributes:
        name: the name of the setting.
        flags: the option's names on the command line.
        metavar: the placeholder for the value in the help.
        panel: the heading above the option in the help.
        is_switch: whether the option is a pair of flags, such as --amp and --no-amp.
        help: the help text, with the default value.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    panel: str
    is_switch: bool
    help: str


OPTIONS = (
'''


def choices(annotation: Any) -> str:
    """Return the values of a Literal as "a, b or c", or "" for any other type."""
    values = [value for value in get_args(annotation) if isinstance(value, str)]
    return f"{', '.join(values[:-1])} or {values[-1]}" if values else ""


def default_text(name: str) -> str:
    """Return the default value of a setting in the format of the help."""
    field = RunConfig.model_fields[name]
    about: Any = field.json_schema_extra
    if about["default_text"]:
        return str(about["default_text"])
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return f"{field.default:g}" if isinstance(field.default, int | float) else str(field.default)


def help_text(name: str) -> str:
    """Return an option's help text: its description, its choices and its default value."""
    field = RunConfig.model_fields[name]
    text = f"{field.description}."
    if values := choices(field.annotation):
        text = f"{field.description}: {values}."
        if any(value in str(field.description) for value in get_args(field.annotation)):
            text = f"{field.description}."
    return f"{text} Default: {default_text(name)}."


def flags(name: str, is_switch: bool) -> tuple[str, ...]:
    """Return the names of an option on the command line."""
    long = name.replace("_", "-")
    if is_switch:
        return (f"--{long}/--no-{long}",)
    return ("--batch", "--batch-size") if name == "batch_size" else (f"--{long}",)


def source() -> str:
    """Return the text of the module."""
    lines = [HEADER]
    for name, field in RunConfig.model_fields.items():
        about: Any = field.json_schema_extra
        is_switch = bool in (field.annotation, *get_args(field.annotation))
        names = ", ".join(json.dumps(flag) for flag in flags(name, is_switch))
        lines.append(
            "    TrainOption(\n"
            f"        {json.dumps(name)}, ({names},), {json.dumps(about['metavar'])}, "
            f"{json.dumps(about['panel'])}, {is_switch},\n"
            f"        {json.dumps(help_text(name))},\n"
            "    ),\n"
        )
    return "".join([*lines, ")\n"])


if __name__ == "__main__":
    FILE.write_text(source(), encoding="utf-8")
