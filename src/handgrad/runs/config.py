"""RunConfig: the settings of `handgrad train`, each declared once.

`handgrad.runs.settings` reads them from the command line, the environment and a file.
"""

from __future__ import annotations

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
    model_validator,
)

from handgrad.class_names import Label
from handgrad.data import SOURCES, Dataset, Source, load_data
from handgrad.data.augment import PRESETS
from handgrad.data.split import stratified
from handgrad.engines import ENGINES, MakeEngine
from handgrad.errors import ConfigError, DataError, ModelError, did_you_mean
from handgrad.files import DATA_FORMS
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS, named
from handgrad.network import Network
from handgrad.runs.fields import (
    INTERRUPTION,
    LEARNING,
    MAX_FOLDERS,
    OWN_IMAGES,
    PREPROCESSINGS,
    STOPPING,
    TORCH,
    Count,
    NotNegative,
    Positive,
    Share,
    Whole,
    data_name_or_path,
    full_augmentation,
    one_of,
    optimizer_named,
    option,
    output_path,
    parse_class_weights,
    schedule_named,
    shared,
    toml_text,
)
from handgrad.train_config import TrainConfig

# Chosen by accuracy on validation images, on digits and MNIST, with the one-cycle schedule.
LRS = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adam": 0.01, "adamw": 0.01}
MOMENTUM, WEIGHT_DECAY = 0.9, 0.01  # of momentum and nesterov; of adamw
EPOCHS = {"digits": 20}  # a small data set allows more epochs
OTHER_EPOCHS = 10


class RunConfig(BaseModel):
    """The complete settings of `handgrad train`, as a TOML file can hold them.

    It has the fields of `TrainConfig` as strings and numbers, and additional fields for the command
    line only. Each field is declared only here. The options of `handgrad train`, the keys of a
    --config file and the environment variables are generated from the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Annotated[str, AfterValidator(data_name_or_path)] = option(
        "digits",
        "Name of a data set: digits, mnist, fashion-mnist or kmnist; or the path of your own "
        f"images: {DATA_FORMS}",
        metavar="DATA",
        on_resume="fixed",
    )
    size: Annotated[Whole, Field(ge=4, le=512)] | None = option(
        None,
        "Resize your images to NxN pixels",
        metavar="N",
        panel=OWN_IMAGES,
        default_text="their own size if it is the same for all and at most 64, otherwise 28, or 32 "
        "for colour images",
        on_resume="fixed",
    )
    preprocessing: Annotated[str, one_of(PREPROCESSINGS)] | None = option(
        None,
        "Preprocessing of your images: plain (resize only), light (grayscale, with a light object "
        "on a dark background) or drawing (for drawings and photographs of a single character)",
        metavar="NAME",
        panel=OWN_IMAGES,
        default_text="plain, in colour if the images are in colour",
        on_resume="fixed",
    )
    model: Annotated[str, one_of(MODELS)] = option(
        "smallnet",
        "Name of a built-in network; `handgrad models` lists them",
        metavar="NAME",
        on_resume="fixed",
    )
    epochs: Count = shared(
        "epochs",
        ...,
        metavar="N",
        panel=STOPPING,
        default_text=f"{EPOCHS['digits']} on digits, otherwise {OTHER_EPOCHS}",
    )
    batch_size: Count = shared(
        "batch_size",
        64,
        "If there are fewer training images than the default batch size, they form one batch",
        metavar="N",
        panel=LEARNING,
    )
    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw"] = option(
        "adamw", "Optimizer", metavar="NAME", panel=LEARNING
    )
    lr: Positive = option(
        ...,
        "Learning rate, which the schedule changes during training; for the one-cycle "
        "schedule, the maximum learning rate",
        panel=LEARNING,
        default_text=f"{LRS['sgd']:g} for sgd, {LRS['momentum']:g} for momentum and nesterov, "
        f"{LRS['adamw']:g} for adam and adamw",
    )
    momentum: Share | None = option(
        ...,
        "Momentum, for the optimizers momentum and nesterov",
        panel=LEARNING,
        default_text=f"{MOMENTUM:g}",
    )
    weight_decay: NotNegative | None = option(
        ...,
        "Weight decay, for all optimizers except adam",
        panel=LEARNING,
        default_text=f"{WEIGHT_DECAY:g} for adamw, otherwise 0",
    )
    schedule: Literal["constant", "step", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "Learning rate schedule", metavar="NAME", panel=LEARNING
    )
    label_smoothing: Share = option(
        0.0,
        "Label smoothing: the fraction of each target that is spread evenly over all classes",
        panel=LEARNING,
    )
    clip_norm: NotNegative = shared("clip_norm", 0.0, panel=LEARNING)
    class_weights: Annotated[str | dict[str, float], BeforeValidator(parse_class_weights)] = option(
        "none",
        "Weight of each class in the loss: none, balanced (the same total weight for every "
        "class), or weights by label such as 3=2,5=1; other labels have weight 1",
        metavar="W",
        panel=LEARNING,
    )
    augment: Annotated[str, AfterValidator(full_augmentation)] = option(
        "none",
        "Random augmentation of the training images, different in every epoch: none, "
        f"{', '.join(PRESETS)}, or settings such as shift=0.1,rotation=10",
        metavar="NAME",
        panel=LEARNING,
    )
    average_weights: NotNegative = shared("average_weights", 0.0, panel=LEARNING)
    validation: Share = option(
        0.1,
        "Fraction of the training images that is set aside for validation; 0: no validation",
        panel=STOPPING,
        on_resume="fixed",
    )
    patience: Annotated[Whole, Field(ge=0, lt=2**31)] = shared(
        "patience", 10, metavar="N", panel=STOPPING
    )
    min_delta: NotNegative = shared("min_delta", 0.0, panel=STOPPING)
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = shared(
        "seed", 0, "It also determines the initial weights", metavar="N"
    )
    engine: Annotated[str, one_of(ENGINES)] = option(
        "auto",
        "Engine that computes the training steps: compiled, reference, torch, or auto for "
        "compiled if possible, otherwise reference",
        metavar="NAME",
    )
    device: Literal["auto", "cpu", "cuda"] | None = option(
        None,
        "Device that PyTorch uses: auto, cpu or cuda",
        metavar="NAME",
        panel=TORCH,
        default_text="auto, which uses a GPU if there is one",
    )
    amp: bool | None = option(
        None,
        "Use mixed precision: compute matrix products in bfloat16",
        panel=TORCH,
        default_text="no",
    )
    compile: bool | None = option(
        None, "Compile the network with torch.compile", panel=TORCH, default_text="no"
    )
    on_divergence: Literal["stop", "lower-lr"] = shared(
        "on_divergence", "stop", metavar="WORD", panel=INTERRUPTION
    )
    checkpoint_minutes: NotNegative = option(
        1.0,
        "Save a checkpoint every N minutes within an epoch; 0: only after each epoch",
        metavar="N",
        panel=INTERRUPTION,
        on_resume="free",
    )
    calibrate: bool = option(
        True, "Calibrate the probabilities on the validation images", on_resume="free"
    )
    figures: bool = option(
        True, "Draw figures of the results, such as learning curves", on_resume="free"
    )
    data_dir: Path | None = option(
        None,
        "Folder with the files of mnist, fashion-mnist or kmnist",
        metavar="DIR",
        default_text="$HANDGRAD_DATA, then the cache; missing files are downloaded",
        on_resume="free",
    )
    out: Annotated[Path | None, BeforeValidator(output_path)] = option(
        None,
        "Folder for the run",
        metavar="DIR",
        default_text="runs/DATA-MODEL-N, with the first free number N",
        on_resume="free",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Set each missing setting whose default depends on other settings."""
        optimizer = str(given.get("optimizer", "adamw"))
        return {
            "epochs": EPOCHS.get(str(given.get("data", "digits")), OTHER_EPOCHS),
            "lr": LRS.get(optimizer, 0.01),
            "momentum": MOMENTUM if optimizer in ("momentum", "nesterov") else None,
            "weight_decay": {"adam": None, "adamw": WEIGHT_DECAY}.get(optimizer, 0.0),
        } | given

    @model_validator(mode="after")
    def _check_optimizer(self) -> RunConfig:
        """Raise a ValueError if a setting is given that the optimizer does not have."""
        if self.momentum is not None and self.optimizer not in ("momentum", "nesterov"):
            raise ValueError(
                f"the optimizer {self.optimizer} has no momentum; "
                "choose momentum or nesterov, or remove the setting"
            )
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError(
                "the optimizer adam has no weight_decay; choose adamw, or remove the setting"
            )
        return self

    @model_validator(mode="after")
    def _check_data(self) -> RunConfig:
        """Raise a ValueError if a setting for user images is given for a standard data set."""
        for name in ("size", "preprocessing"):
            if getattr(self, name) is not None and self.data in SOURCES:
                raise ValueError(
                    f"{name} applies to your own images only, not to {self.data}; remove {name}, "
                    "or give the path of your own images"
                )
        return self

    @model_validator(mode="after")
    def _check_engine(self) -> RunConfig:
        """Raise a ValueError if a setting is given that the engine does not have."""
        for name in ("device", "amp", "compile"):
            if getattr(self, name) is not None and self.engine != "torch":
                raise ValueError(
                    f"the engine {self.engine} has no {name}; choose torch, or remove {name}"
                )
        return self

    @property
    def data_name(self) -> str:
        """The name of a standard data set, or the last part of the path of user images."""
        return self.data if self.data in SOURCES else Path(self.data).stem

    def load_data(self, progress: bool | None = None) -> tuple[Dataset, Dataset]:
        """Return the training set and the test set.

        Args:
            progress: whether to show a progress bar on stderr, or None to show it only if stderr is
                a terminal.

        Raises:
            DataError: if the images cannot be loaded.
        """
        prepare = None
        if self.preprocessing is not None:
            from handgrad.preprocess import preset_named  # it loads Pillow

            side = self.size or 28
            prepare = preset_named(self.preprocessing, (1, side, side))
        return load_data(
            self.data, self.data_dir, progress=progress, preprocessing=prepare, side=self.size
        )

    def fitted_to(self, train: Dataset) -> RunConfig:
        """Return the settings with a batch size that is at most the number of training images.

        Raises:
            DataError: if the user chose a batch size that is larger than the training set.
        """
        aside = stratified(train.labels, self.validation, self.seed) if self.validation else 0
        count = len(train) - int(np.sum(aside))
        if self.batch_size <= count:
            return self
        if "batch_size" in self.model_fields_set:
            raise DataError(
                f"{train.name}: there are only {count} training images, fewer than the batch_size "
                f"{self.batch_size}; use a batch_size of at most {count}: --batch-size {count}"
            )
        return self.model_copy(update={"batch_size": count})

    def network(self, train: Dataset | Source, dtype: DTypeLike = np.float32) -> Network:
        """Return a new network that fits the shape and classes of the given images.

        Raises:
            ModelError: if the network cannot process images of the given shape.
        """
        try:
            return Network(
                named(self.model), train.shape, len(train.classes), seed=self.seed, dtype=dtype
            )
        except ModelError as error:
            size = "x".join(map(str, train.shape))
            raise ModelError(
                f"{self.model} cannot take the images of {train.name} ({size}): {error}"
            ) from None

    def train_config(self, classes: Iterable[Label]) -> TrainConfig:
        """Return the hyperparameters for training a network with the given classes.

        Raises:
            ConfigError: if class_weights names an unknown class.
        """
        return TrainConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=optimizer_named(
                self.optimizer, self.lr, self.momentum or 0.0, self.weight_decay or 0.0
            ),
            schedule=schedule_named(self.schedule, self.epochs),
            loss=SoftmaxCrossEntropy(self.label_smoothing),
            clip_norm=self.clip_norm or None,
            class_weights=self._weights(classes),
            patience=self.patience or None,
            min_delta=self.min_delta,
            seed=self.seed,
            engine=self._engine(),
            on_divergence=self.on_divergence,
            augment=self.augment,
            average_weights=self.average_weights or None,
        )

    def plain(self) -> dict[str, Any]:
        """Return all settings except `out` and those that are None, as JSON values."""
        return self.model_dump(mode="json", exclude={"out"}, exclude_none=True)

    def toml(self) -> str:
        """Return the settings as the contents of a TOML file."""
        return toml_text(self.plain())

    def _engine(self) -> str | MakeEngine:
        options = {"device": self.device, "amp": self.amp, "compile": self.compile}
        given = {name: value for name, value in options.items() if value is not None}
        return partial(ENGINES[self.engine], **given) if given else self.engine

    def _weights(self, classes: Iterable[Label]) -> Mapping[Label, float] | str | None:
        if isinstance(self.class_weights, str):
            return None if self.class_weights == "none" else self.class_weights
        labels = {str(label): label for label in classes}
        for name in self.class_weights:
            if name not in labels:
                classes = ", ".join([*labels][:MAX_FOLDERS])
                raise ConfigError(
                    f"class_weights: unknown class {name}; the classes are {classes}"
                    f"{did_you_mean(name, labels)}"
                )
        return {label: self.class_weights.get(name, 1.0) for name, label in labels.items()}
