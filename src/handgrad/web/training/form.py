"""The form of a new run, generated from the fields of `RunConfig`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from handgrad.data import SOURCES
from handgrad.data.augment import PRESETS
from handgrad.engines import ENGINES
from handgrad.errors import ConfigError, did_you_mean
from handgrad.models import MODELS
from handgrad.runs.config import RunConfig
from handgrad.runs.fields import PREPROCESSINGS
from handgrad.runs.settings import configure, on_resume
from handgrad.web.session import Session

# A request names no path: the folder of the run is the first free one, as on the command line.
HIDDEN = ("from_run", "data_dir", "out")
MAIN = ("data", "model", "optimizer", "lr", "schedule", "augment", "epochs", "batch_size")
NAMES: dict[str, Iterable[str]] = {
    "model": MODELS,
    "engine": ENGINES,
    "preprocessing": PREPROCESSINGS,
    "augment": ("none", *PRESETS),
    "class_weights": ("none", "balanced"),
}
OPEN = ("augment", "class_weights")  # they also take settings as text, such as shift=0.1
LONGEST_LABEL = 30


def form(session: Session) -> list[dict[str, Any]]:
    """Return the settings that the page offers, those of `MAIN` first.

    Each has a name, a label, a help text, its default (None if it depends on other settings), the
    choices (or suggestions, if any text is possible), and whether it may change during training.
    """
    names = [*MAIN, *(n for n in RunConfig.model_fields if n not in (*MAIN, *HIDDEN))]
    return [_field(name, session) for name in names]


def suggested(session: Session) -> dict[str, str]:
    """Return settings for a first network, by name.

    A first network for digits is asked to read digits that are drawn with a mouse. The augmentation
    for drawings makes the training images resemble them.
    """
    source = SOURCES.get(session.data_name or "")
    is_first = session.path is None and source is not None and source.classes == tuple(range(10))
    return {"augment": "drawings"} if is_first else {}


def config_of(settings: Mapping[str, str], session: Session) -> dict[str, Any]:
    """Return the settings of a new run in full, given those that the user chose.

    Raises:
        ConfigError: if a setting or the data are not offered, or a value is out of range.
    """
    checked(settings)
    data_sets = _data_sets(session)
    given: dict[str, Any] = {name: value for name, value in settings.items() if value != ""}
    name = given.get("data", next(iter(data_sets)))
    if name not in data_sets:
        raise ConfigError(f"choose one of the listed data sets: {', '.join(data_sets)}")
    given["data"] = data_sets[name]
    if session.data_dir is not None and given["data"] in SOURCES:
        given["data_dir"] = str(session.data_dir)
    configure(given, environment={})  # raises an error before anything is started
    return given


def checked(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings whose names are all offered.

    Raises:
        ConfigError: if one is not.
    """
    offered = [name for name in RunConfig.model_fields if name not in HIDDEN]
    for name in settings:
        if name not in offered:
            raise ConfigError(f"there is no setting {name!r:.40}{did_you_mean(name, offered)}")
    return dict(settings)


def changes(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings that may all change when a run is resumed.

    Raises:
        ConfigError: if one may not. This includes the data, which may be a path.
    """
    for name in checked(settings):
        if on_resume(name) == "fixed":
            raise ConfigError(f"{name} cannot change during a run; start a new one")
    return dict(settings)


def _data_sets(session: Session) -> dict[str, str]:
    """Return the names or paths of the data sets by the names that the page lists.

    The data of the session come first.
    """
    found = {name: name for name in SOURCES}
    own = session.data_name
    if own in found:
        return {own: own} | found
    if own is None:
        return found
    return {f"{RunConfig(data=own).data_name} (opened)": own} | found


def _field(name: str, session: Session) -> dict[str, Any]:
    field = RunConfig.model_fields[name]
    about: Any = field.json_schema_extra
    description = field.description or ""
    choices, is_open = _choices(name, session)
    default = _default(name)
    return {
        "name": name,
        "label": _label(name, description),
        "help": f"{description}. Default: {about['default_text'] or _text(field.default)}.",
        "panel": "main" if name in MAIN else about["panel"],
        "default": default,
        "choices": list(choices),
        "open": is_open,
        "changes": on_resume(name) != "fixed",
    }


def _default(name: str) -> str | None:
    """Return the default of a setting as text, or None if it depends on other settings."""
    if name in ("data", "optimizer"):
        return None if name == "data" else str(RunConfig().optimizer)
    found = {str(getattr(config, name)) for config in _usual_configs()}
    value = found.pop()
    return None if found or value == "None" else _text(value)


def _text(value: Any) -> str:
    """Return a default as text; of a switch it is "true" or "false"."""
    text = str(value)
    return text.lower() if text in ("True", "False") else text


@cache
def _usual_configs() -> tuple[RunConfig, ...]:
    """Return a configuration for each optimizer and each named data set."""
    optimizers = get_args(RunConfig.model_fields["optimizer"].annotation)
    every = [{"optimizer": name} for name in optimizers]
    return tuple(RunConfig(**own, data=data) for own in every for data in SOURCES)


def _choices(name: str, session: Session) -> tuple[Iterable[str], bool]:
    """Return the possible values of a setting, and whether other values are possible too."""
    if name == "data":
        return _data_sets(session), False
    if name in NAMES:
        return NAMES[name], name in OPEN
    annotation = RunConfig.model_fields[name].annotation
    kinds = [annotation, *get_args(annotation)]
    for kind in kinds:
        if get_origin(kind) is Literal:
            return get_args(kind), False
        if kind is bool:
            return ("true", "false"), False
    return (), True


def _label(name: str, description: str) -> str:
    """Return the first words of a description if they are short, otherwise the setting's name."""
    words = description
    for mark in (":", ",", ";", "("):
        words = words.partition(mark)[0]
    words = words.strip()
    return words if len(words) <= LONGEST_LABEL else name.replace("_", " ").capitalize()
