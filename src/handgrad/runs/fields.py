"""Building blocks of `RunConfig`: validated types, field declarations and optimizers by name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
)
from pydantic.config import JsonDict

from handgrad.class_names import Label
from handgrad.data import SOURCES, is_user_data
from handgrad.data.augment import as_augmentation
from handgrad.errors import ConfigError, did_you_mean
from handgrad.files import expanded
from handgrad.freeze import check_freeze
from handgrad.models import MODELS
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from handgrad.schedules import Constant, Cosine, OneCycle, Plateau, Schedule, Step
from handgrad.train_config import OnResume, TrainConfig

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing

# Chosen by accuracy on validation images, on digits and MNIST, with the one-cycle schedule.
LRS = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adam": 0.01, "adamw": 0.01}
MOMENTUM, WEIGHT_DECAY = 0.9, 0.01  # of momentum and nesterov; of adamw
PREPROCESSINGS = ("plain", "light", "drawing")
MAX_FOLDERS = 10  # names listed in a message


def one_of(known: Iterable[str], *, or_empty: bool = False) -> AfterValidator:
    """Return a validator that checks that a name is one of the known names, or perhaps empty."""

    def check(name: str) -> str:
        if name not in known and not (or_empty and not name):
            raise ValueError(f"must be one of {', '.join(known)}{did_you_mean(name, known)}")
        return name

    return AfterValidator(check)


def data_name_or_path(name: str) -> str:
    """Return a data set's name after checking it, or the absolute path of user images."""
    if is_user_data(name):
        return str(expanded(name).absolute())
    if name not in SOURCES:
        others = [path.name for path in sorted(Path().iterdir()) if path.is_dir()]
        folders = f" (here: {', '.join(others[:MAX_FOLDERS])})" if others else ""
        raise ValueError(
            f"must be one of {', '.join(SOURCES)}, or the path of your own images{folders}"
            f"{did_you_mean(name, [*SOURCES, *others])}"
        )
    return name


def full_augmentation(text: str) -> str:
    """Return an augmentation as a list of all its settings.

    A run stores this list, so that later versions may change the presets.
    """
    try:
        found = as_augmentation(text)
    except ConfigError as error:
        problem, _, remedy = str(error).removeprefix("augment: ").partition("; ")
        remedy = remedy or "see `handgrad train --help`"
        raise ValueError(f"must be a valid augmentation ({problem}); {remedy}") from None
    return "none" if found is None else str(found)


def parse_class_weights(value: Any) -> Any:
    """Return "none", "balanced", or a weight per label, parsed from text such as "3=2,5=0.5"."""
    if value in ("none", "balanced"):
        return value
    if isinstance(value, str):
        value = dict(pair.rpartition("=")[::2] for pair in value.split(","))
    try:
        table = {str(label).strip(): float(weight) for label, weight in value.items()}
    except (AttributeError, TypeError, ValueError):
        table = {"": math.nan}
    if not all(label and 0 < weight < math.inf for label, weight in table.items()):
        raise ValueError(
            "must be none, balanced, or a number above 0 for each label, such as 3=2,5=1"
        )
    return table


def parse_freeze(value: Any) -> Any:
    """Return a number of layers, parsed from text, or "features"."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    try:
        check_freeze(value)
    except ConfigError:
        raise ValueError("must be a number of layers, such as 4, or features") from None
    return value


def model_path(text: str) -> str:
    """Return the absolute path of a run or a model file."""
    if not text:
        raise ValueError("must be the folder of a run, or a model file")
    return str(expanded(text).absolute())


def output_path(value: Any) -> Any:
    """Reject an empty name; expand a leading tilde."""
    if value == "":
        raise ValueError("must be the name of a folder")
    text = str(value)
    return Path.home() / text[2:] if text.startswith("~/") else value


def _no_truth(value: Any) -> Any:
    """Reject true and false, which Python would treat as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
Count = Annotated[Whole, Field(ge=1, lt=2**31)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, lt=1)]


# Headings of the options in `handgrad train --help`.
OWN_IMAGES = "Your own images"
LEARNING = "Training"
STOPPING = "Epochs and early stopping"
INTERRUPTION = "Interruption and divergence"
TORCH = "With --engine torch"
OTHER = "Options"


def option(
    default: Any,
    description: str,
    *,
    metavar: str = "X",
    panel: str = OTHER,
    default_text: str = "",
    on_resume: OnResume = "allowed",
) -> Any:
    """Return the declaration of one field of `RunConfig`.

    Args:
        default: the default value, or ... if it depends on other settings.
        description: one or more sentences, without the final full stop.
        metavar: the placeholder for the value in the help.
        panel: the heading above the option in the help.
        default_text: the default in words; if empty, the default value is shown.
        on_resume: whether the setting may change when a run is resumed.
    """
    about: JsonDict = {
        "metavar": metavar,
        "panel": panel,
        "default_text": default_text,
        "on_resume": on_resume,
    }
    return Field(default=default, description=description, json_schema_extra=about)


def shared(name: str, default: Any, more: str = "", off: str = "0", **about: str) -> Any:
    """Return the declaration of a field that `RunConfig` takes over from `TrainConfig`.

    Args:
        name: the name of the field.
        default: the default value on the command line.
        more: a sentence to add to the field's description.
        off: the value that stands for None on the command line.
        about: additional arguments for `option`.
    """
    metadata = TrainConfig.__dataclass_fields__[name].metadata
    description = metadata["description"]
    if metadata["off"]:
        description += f"; {off}: {metadata['off']}"
    if more:
        description += f". {more}"
    return option(default, description, on_resume=metadata["on_resume"], **about)


def check_own_images(data: str, settings: Mapping[str, Any]) -> None:
    """Raise a ValueError if a setting for user images is given for a standard data set."""
    for name, value in settings.items():
        if value is not None and data in SOURCES:
            raise ValueError(
                f"{name} applies to your own images only, not to {data}; remove {name}, or give "
                "the path of your own images"
            )


def steps_for(name: str, side: int | None) -> Preprocessing:
    """Return the preprocessing of the user's own images, for files and for arrays.

    Args:
        name: the name of the preprocessing.
        side: the height and width of the result, or None for 28.
    """
    from handgrad.preprocess import preset_named  # it loads Pillow

    side = side or 28
    return replace(preset_named(name, (1, side, side)), for_arrays=True)


def check_engine(engine: str, settings: Mapping[str, Any]) -> None:
    """Raise a ValueError if a setting is given that the engine does not have."""
    for name, value in settings.items():
        if value is not None and engine != "torch":
            raise ValueError(f"the engine {engine} has no {name}; choose torch, or remove {name}")


def check_optimizer(name: str, momentum: float | None, weight_decay: float | None) -> None:
    """Raise a ValueError if a setting is given that the optimizer does not have."""
    if momentum is not None and name not in ("momentum", "nesterov"):
        raise ValueError(
            f"the optimizer {name} has no momentum; "
            "choose momentum or nesterov, or remove the setting"
        )
    if weight_decay and name == "adam":
        raise ValueError(
            "the optimizer adam has no weight_decay; choose adamw, or remove the setting"
        )


def check_start(from_run: str | None, model: str, **others: Any) -> None:
    """Raise a ValueError if a given setting is already determined by the start model."""
    if from_run is None and not model:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, not an empty name")
    for name, value in {"model": model or None, **others}.items():
        if from_run is not None and value is not None:
            raise ValueError(
                f"{name} is determined by the model to start from, {from_run}; remove {name}, or "
                "train a new network without --from"
            )


def weights_by_class(
    weights: Mapping[str, float] | str, classes: Iterable[Label]
) -> Mapping[Label, float] | str | None:
    """Return the setting class_weights in the form that `TrainConfig` takes.

    Raises:
        ConfigError: if the setting names an unknown class.
    """
    if isinstance(weights, str):
        return None if weights == "none" else weights
    labels = {str(label): label for label in classes}
    for name in weights:
        if name not in labels:
            raise ConfigError(
                f"class_weights: unknown class {name}; the classes are "
                f"{', '.join([*labels][:MAX_FOLDERS])}{did_you_mean(name, labels)}"
            )
    return {label: weights.get(name, 1.0) for name, label in labels.items()}


def optimizer_named(name: str, lr: float, momentum: float, weight_decay: float) -> Optimizer:
    """Return the optimizer that has this name on the command line."""
    match name:
        case "sgd":
            return SGD(lr, weight_decay)
        case "momentum":
            return Momentum(lr, momentum, weight_decay=weight_decay)
        case "nesterov":
            return Momentum(lr, momentum, nesterov=True, weight_decay=weight_decay)
        case "adam":
            return Adam(lr)
        case _:
            return AdamW(lr, weight_decay=weight_decay)


def schedule_named(name: str, epochs: int) -> Schedule:
    """Return the learning rate schedule that has this name on the command line."""
    match name:
        case "step":
            return Step(every=-(-epochs // 3))
        case "cosine":
            return Cosine()
        case "one-cycle":
            return OneCycle()
        case "plateau":
            return Plateau()
        case _:
            return Constant()


def toml_text(settings: Mapping[str, Any]) -> str:
    """Return settings as the contents of a TOML file; each mapping becomes a table."""
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    lines = [f"{name} = {_toml_value(v)}" for name, v in settings.items() if name not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{_toml_value(key)} = {_toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _toml_value(value: str | float) -> str:
    """Return a value as TOML; it is written like JSON, except for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
