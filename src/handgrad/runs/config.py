"""The settings of a training run, in plain words and numbers, as a TOML file can hold them.

`handgrad.runs.settings` gathers them from the command line, the environment and a file.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from handgrad.class_names import Label
from handgrad.data import SOURCES, Dataset, Source, is_user_data, load_data
from handgrad.data.augment import as_augmentation
from handgrad.data.split import stratified
from handgrad.engines import ENGINES, MakeEngine
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.files import expanded
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS, named
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from handgrad.schedules import Constant, Cosine, OneCycle, Plateau, Schedule, Step
from handgrad.train import Recipe

# Chosen by accuracy on validation images, on digits and MNIST, with the one-cycle schedule.
LRS = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adam": 0.01, "adamw": 0.01}
EPOCHS = {"digits": 20}  # small and few, they bear more rounds than the others
OTHER_EPOCHS = 10
PREPROCESSINGS = ("plain", "light", "drawing")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like this one."""
    return difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)[0]


def _one_of(known: Iterable[str]) -> AfterValidator:
    """Return the check that a name is known."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(
                f"must be one of {', '.join(known)}; the nearest is {nearest(name, known)}"
            )
        return name

    return AfterValidator(check)


def _data(name: str) -> str:
    """Return the name of a data set, checked, or the whole path of images of one's own."""
    if is_user_data(name):
        return str(expanded(name).absolute())
    if name not in SOURCES:
        raise ValueError(
            f"must be one of {', '.join(SOURCES)}, or the path of images of your own; the "
            f"nearest is {nearest(name, SOURCES)}"
        )
    return name


def _augmentation(text: str) -> str:
    """Return an augmentation in full, so that it stays the same whatever a preset becomes."""
    try:
        found = as_augmentation(text)
    except ConfigError as error:
        trouble, _, cure = str(error).removeprefix("augment: ").partition("; ")
        cure = cure or "see `handgrad train --help`"
        raise ValueError(f"must be one that can be done ({trouble}); {cure}") from None
    return "none" if found is None else str(found)


def _no_truth(value: Any) -> Any:
    """Refuse true and false, which would count as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
Count = Annotated[Whole, Field(ge=1, lt=2**31)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, lt=1)]


class Config(BaseModel):
    """The settings of a training run, complete.

    Attributes:
        data: the name of the data set, or the path of images of one's own.
        size: the height and width to bring images of one's own to; None: what suits them.
        preprocessing: theirs, plain, light or drawing; None: the plain one that suits them.
        model: the name of the architecture.
        epochs: how many times at most the training images are gone through.
        batch_size: how many images make one update.
        optimizer: sgd, momentum, nesterov (momentum that looks ahead), adam or adamw.
        lr: the learning rate, before the schedule changes it.
        momentum: how much of the running sum survives a step; only of momentum and nesterov.
        weight_decay: pulls every parameter towards zero; not of adam.
        schedule: constant; step (to a tenth after each third of the epochs); cosine; one-cycle;
            plateau (to a half after 3 epochs without a lower loss).
        label_smoothing: the share of each target that is spread over all classes.
        clip_norm: the largest norm that all gradients together may have; 0: no limit.
        class_weights: none, balanced, or numbers by label; a label left out counts 1.
        average: the mean of the weights over about so many of the last epochs is judged and kept;
            0: none.
        validation: the share of the training images to judge by; 0: none.
        augment: how images are changed before they are learned from: none, the name of a preset,
            or settings such as shift=0.1,flip=true.
        patience: training stops after so many epochs without a lower loss, and the best weights
            are put back; 0: train to the end and keep the last.
        min_delta: how much lower a loss must be to count as lower.
        seed: decides initial weights, split, order, dropout and augmentation.
        engine: what runs the mathematics.
        device: auto, cpu or cuda; only of the engine torch.
        amp: mixed precision; only of the engine torch.
        compile: whether torch.compile makes one program; only of the engine torch.
        on_divergence: what to do when a number is not finite: stop; or lower-lr, go back and halve
            the learning rate.
        checkpoint_minutes: how often the run is saved within an epoch; 0: after each epoch only.
        calibrate: whether a temperature is fitted to the validation images at the end.
        figures: whether the run's figures are drawn.
        folder: where the data files lie; None: where handgrad looks by itself.
        out: the run's folder; None: a new one under runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Annotated[str, AfterValidator(_data)] = "digits"
    size: Annotated[Whole, Field(ge=4, le=512)] | None = None
    preprocessing: Annotated[str, _one_of(PREPROCESSINGS)] | None = None
    model: Annotated[str, _one_of(MODELS)] = "smallnet"
    epochs: Count
    batch_size: Count = 64
    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw"] = "adamw"
    lr: Positive
    momentum: Share | None
    weight_decay: NotNegative | None
    schedule: Literal["constant", "step", "cosine", "one-cycle", "plateau"] = "one-cycle"
    label_smoothing: Share = 0.0
    clip_norm: NotNegative = 0.0
    class_weights: str | dict[str, float] = "none"
    augment: Annotated[str, AfterValidator(_augmentation)] = "none"
    average: NotNegative = 0.0
    validation: Share = 0.1
    patience: Annotated[Whole, Field(ge=0, lt=2**31)] = 10
    min_delta: NotNegative = 0.0
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 0
    engine: Annotated[str, _one_of(ENGINES)] = "auto"
    device: Literal["auto", "cpu", "cuda"] | None = None
    amp: bool | None = None
    compile: bool | None = None
    on_divergence: Literal["stop", "lower-lr"] = "stop"
    checkpoint_minutes: NotNegative = 1.0
    calibrate: bool = True
    figures: bool = True
    folder: Path | None = None
    out: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what depends on other settings and was not given."""
        optimizer = str(given.get("optimizer", "adamw"))
        return {
            "epochs": EPOCHS.get(str(given.get("data", "digits")), OTHER_EPOCHS),
            "lr": LRS.get(optimizer, 0.01),
            "momentum": 0.9 if optimizer in ("momentum", "nesterov") else None,
            "weight_decay": {"adam": None, "adamw": 0.01}.get(optimizer, 0.0),
        } | given

    @field_validator("class_weights", mode="before")
    @classmethod
    def _read_weights(cls, value: Any) -> Any:
        """Return a word, or a table; "3=2,5=0.5" is one too."""
        if value in ("none", "balanced"):
            return value
        if isinstance(value, str):
            value = dict(pair.rpartition("=")[::2] for pair in value.split(","))
        try:
            table = {str(label).strip(): float(weight) for label, weight in value.items()}
        except (AttributeError, TypeError, ValueError):
            table = {"": math.nan}
        if not all(label and 0 < weight < math.inf for label, weight in table.items()):
            raise ValueError("must be none, balanced, or numbers above 0 by label such as 3=2,5=1")
        return table

    @field_validator("out", mode="before")
    @classmethod
    def _read_out(cls, value: Any) -> Any:
        """Refuse a name that is empty; a tilde is the home folder."""
        if value == "":
            raise ValueError("must name a folder")
        text = str(value)
        return Path.home() / text[2:] if text.startswith("~/") else value

    @model_validator(mode="after")
    def _check_optimizer(self) -> Config:
        """Refuse a setting that the optimizer does not have."""
        if self.momentum is not None and self.optimizer not in ("momentum", "nesterov"):
            raise ValueError(
                f"the optimizer {self.optimizer} has no momentum; "
                "choose momentum or nesterov, or leave momentum out"
            )
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError(
                "the optimizer adam has no weight_decay; choose adamw, or leave weight_decay out"
            )
        return self

    @model_validator(mode="after")
    def _check_data(self) -> Config:
        """Refuse a setting that data with a name does not have."""
        for name in ("size", "preprocessing"):
            if getattr(self, name) is not None and self.data in SOURCES:
                raise ValueError(
                    f"the images of {self.data} are prepared already; leave {name} out, or give "
                    "the path of images of your own"
                )
        return self

    @model_validator(mode="after")
    def _check_engine(self) -> Config:
        """Refuse a setting that the engine does not have."""
        for name in ("device", "amp", "compile"):
            if getattr(self, name) is not None and self.engine != "torch":
                raise ValueError(
                    f"the engine {self.engine} has no {name}; choose torch, or leave {name} out"
                )
        return self

    @property
    def data_name(self) -> str:
        """What to call the data in a few letters."""
        return self.data if self.data in SOURCES else Path(self.data).stem

    def load_data(self, progress: bool | None = None) -> tuple[Dataset, Dataset]:
        """Return training and test set.

        Args:
            progress: whether to show a bar on stderr while waiting; None: where that is a terminal.

        Raises:
            DataError: if they cannot be had.
        """
        prepare = None
        if self.preprocessing is not None:
            from handgrad.preprocess import preset_named  # it loads Pillow

            side = self.size or 28
            prepare = preset_named(self.preprocessing, (1, side, side))
        return load_data(
            self.data, self.folder, progress=progress, preprocessing=prepare, side=self.size
        )

    def fitted_to(self, train: Dataset) -> Config:
        """Return the settings with no larger batches than there are images to learn from.

        Raises:
            DataError: if the size was given.
        """
        aside = stratified(train.labels, self.validation, self.seed) if self.validation else 0
        count = len(train) - int(np.sum(aside))
        if self.batch_size <= count:
            return self
        if "batch_size" in self.model_fields_set:
            raise DataError(
                f"{train.name}: {count} images are fewer than one batch of {self.batch_size}; "
                f"use a batch_size of at most {count}: --batch-size {count}"
            )
        return self.model_copy(update={"batch_size": count})

    def network(self, train: Dataset | Source, dtype: DTypeLike = np.float32) -> Network:
        """Return the fresh network for these images, of which only shape and classes count.

        Raises:
            ModelError: if the architecture cannot take their shape.
        """
        try:
            return Network(
                named(self.model), train.shape, train.classes, seed=self.seed, dtype=dtype
            )
        except ModelError as error:
            size = "x".join(map(str, train.shape))
            raise ModelError(
                f"{self.model} cannot take the images of {train.name} ({size}): {error}"
            ) from None

    def recipe(self, classes: Iterable[Label]) -> Recipe:
        """Return the recipe for a network with these classes.

        Raises:
            ConfigError: if class_weights names a class that there is not.
        """
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self._optimizer(),
            schedule=self._schedule(),
            loss=SoftmaxCrossEntropy(self.label_smoothing),
            clip_norm=self.clip_norm or None,
            class_weights=self._weights(classes),
            patience=self.patience or None,
            min_delta=self.min_delta,
            seed=self.seed,
            engine=self._engine(),
            on_divergence=self.on_divergence,
            augment=self.augment,
            average=self.average or None,
        )

    def plain(self) -> dict[str, Any]:
        """Return the settings that are set, as JSON and TOML can hold them.

        Without `out`: it says where the result went, not how it came about.
        """
        return self.model_dump(mode="json", exclude={"out"}, exclude_none=True)

    def toml(self) -> str:
        """Return the settings as the text of a TOML file."""
        settings = self.plain()
        tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
        lines = [f"{name} = {_toml(v)}" for name, v in settings.items() if name not in tables]
        for name, table in tables.items():
            lines += ["", f"[{name}]"]
            lines += [f"{_toml(key)} = {_toml(value)}" for key, value in table.items()]
        return "\n".join(lines) + "\n"

    def _optimizer(self) -> Optimizer:
        momentum, decay = self.momentum or 0.0, self.weight_decay or 0.0
        match self.optimizer:
            case "sgd":
                return SGD(self.lr, decay)
            case "momentum":
                return Momentum(self.lr, momentum, weight_decay=decay)
            case "nesterov":
                return Momentum(self.lr, momentum, nesterov=True, weight_decay=decay)
            case "adam":
                return Adam(self.lr)
            case "adamw":
                return AdamW(self.lr, weight_decay=decay)

    def _engine(self) -> str | MakeEngine:
        options = {"device": self.device, "amp": self.amp, "compile": self.compile}
        given = {name: value for name, value in options.items() if value is not None}
        return partial(ENGINES[self.engine], **given) if given else self.engine

    def _schedule(self) -> Schedule:
        match self.schedule:
            case "constant":
                return Constant()
            case "step":
                return Step(every=-(-self.epochs // 3))
            case "cosine":
                return Cosine()
            case "one-cycle":
                return OneCycle()
            case "plateau":
                return Plateau()

    def _weights(self, classes: Iterable[Label]) -> Mapping[Label, float] | str | None:
        if isinstance(self.class_weights, str):
            return None if self.class_weights == "none" else self.class_weights
        labels = {str(label): label for label in classes}
        for name in self.class_weights:
            if name not in labels:
                near = nearest(name, labels)
                raise ConfigError(f"class_weights: there is no class {name}; the nearest is {near}")
        return {label: self.class_weights.get(name, 1.0) for name, label in labels.items()}


def _toml(value: str | float) -> str:
    """Return a value as TOML writes it: JSON's way, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
