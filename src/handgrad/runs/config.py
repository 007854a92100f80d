"""RunConfig: the settings of `handgrad train`, each declared once.

`handgrad.runs.settings` reads them from the command line, the environment and a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    model_validator,
)

from handgrad.class_names import Label
from handgrad.classifier import Classifier
from handgrad.data import SOURCES, Dataset, Source, load_data
from handgrad.data.augment import PRESETS
from handgrad.engines import ENGINES, MakeEngine
from handgrad.errors import ModelError
from handgrad.files import DATA_FORMS
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS, named
from handgrad.network import Network
from handgrad.runs.few_images import settings_for_few_images
from handgrad.runs.fields import (
    INTERRUPTION,
    LEARNING,
    LRS,
    MOMENTUM,
    OWN_IMAGES,
    PREPROCESSINGS,
    STOPPING,
    TORCH,
    WEIGHT_DECAY,
    Count,
    NotNegative,
    Positive,
    Share,
    Whole,
    check_engine,
    check_optimizer,
    check_own_images,
    check_start,
    data_name_or_path,
    full_augmentation,
    model_path,
    one_of,
    optimizer_named,
    option,
    output_path,
    parse_class_weights,
    parse_freeze,
    schedule_named,
    shared,
    steps_for,
    toml_text,
    weights_by_class,
)
from handgrad.train_config import MAX_EPOCHS, MIN_UPDATES, TrainConfig

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing

EPOCHS = {"digits": 20}  # a small data set allows more epochs
OTHER_EPOCHS = PATIENCE = 10


class RunConfig(BaseModel):
    """The complete settings of `handgrad train`, in a form that a TOML file can contain.

    It has the fields of `TrainConfig` as strings and numbers, and more for the command line only.
    The options of `handgrad train`, the keys of a --config file and the environment variables are
    generated from the fields.
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
        "Resize your images to NxN pixels; arrays only together with --preprocessing",
        metavar="N",
        panel=OWN_IMAGES,
        default_text="the size of the images if all have the same size of at most 64, otherwise "
        "28, or 32 for colour images",
        on_resume="fixed",
    )
    preprocessing: Annotated[str, one_of(PREPROCESSINGS)] | None = option(
        None,
        "Preprocessing of your images: plain (resize only), light (grayscale, with a light object "
        "on a dark background) or drawing (for drawings and photographs of a single character)",
        metavar="NAME",
        panel=OWN_IMAGES,
        default_text="plain, in colour if the images are in colour; arrays are used as they are",
        on_resume="fixed",
    )
    skip_broken: bool | None = option(
        None,
        "Leave out image files that cannot be read, and name them; otherwise they are an error",
        panel=OWN_IMAGES,
        default_text="no",
        on_resume="fixed",
    )
    model: Annotated[str, one_of(MODELS, or_empty=True)] = option(
        ...,
        "Name of a built-in network; `handgrad models` lists them",
        metavar="NAME",
        default_text="smallnet; with --from, the network of that model",
        on_resume="fixed",
    )
    from_run: Annotated[str, AfterValidator(model_path)] | None = option(
        None,
        "Continue training: start with the network, weights and preprocessing of the model in this "
        "run's folder or model file. The classes are those of the new data: known classes keep "
        "their rows in the last layer, and other classes get new rows",
        metavar="RUN",
        default_text="start with random weights",
        on_resume="fixed",
    )
    freeze: Annotated[int | str, BeforeValidator(parse_freeze)] = shared(
        "freeze", 0, metavar="N", panel=LEARNING
    )
    epochs: Count = shared(
        "epochs",
        ...,
        metavar="N",
        panel=STOPPING,
        default_text=f"{EPOCHS['digits']} on digits, otherwise {OTHER_EPOCHS}; for few images "
        f"of your own, more epochs, to make {MIN_UPDATES} updates, but at most {MAX_EPOCHS}",
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
        "patience",
        PATIENCE,
        metavar="N",
        panel=STOPPING,
        default_text=f"{PATIENCE}; the number of epochs, if it was raised for few images",
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

    @model_validator(mode="wrap")
    @classmethod
    def _fill_in(
        cls, given: dict[str, Any], validate: ModelWrapValidatorHandler[RunConfig]
    ) -> RunConfig:
        """Set each missing setting whose default depends on other settings."""
        optimizer = str(given.get("optimizer", "adamw"))
        defaults = {
            "epochs": EPOCHS.get(str(given.get("data", "digits")), OTHER_EPOCHS),
            "model": "smallnet" if given.get("from_run") is None else "",
            "lr": LRS.get(optimizer, 0.01),
            "momentum": MOMENTUM if optimizer in ("momentum", "nesterov") else None,
            "weight_decay": {"adam": None, "adamw": WEIGHT_DECAY}.get(optimizer, 0.0),
        }
        config = validate(defaults | given)
        config.model_fields_set.difference_update(defaults.keys() - given.keys())
        return config

    @model_validator(mode="after")
    def _check_combinations(self) -> RunConfig:
        """Raise a ValueError if a setting has no effect together with the other settings."""
        check_optimizer(self.optimizer, self.momentum, self.weight_decay)
        check_start(self.from_run, self.model, size=self.size, preprocessing=self.preprocessing)
        values, own = dict(self), ("size", "preprocessing", "skip_broken")
        check_own_images(self.data, {name: values[name] for name in own})
        check_engine(self.engine, {k: values[k] for k in ("device", "amp", "compile")})
        return self

    @property
    def data_name(self) -> str:
        """The name of a standard data set, or the last part of the path of user images."""
        return self.data if self.data in SOURCES else Path(self.data).stem

    def load_data(
        self, progress: bool | None = None, start: Classifier | None = None
    ) -> tuple[Dataset, Dataset]:
        """Return the training set and the test set.

        Args:
            progress: whether to show a progress bar on stderr, or None to show it only if stderr is
                a terminal.
            start: the classifier to start from, whose preprocessing is applied to image files, and
                to arrays if it was applied to its training arrays.

        Raises:
            ConfigError: if a setting for image files is given, but the data are arrays.
            DataError: if the images cannot be loaded.
        """
        steps = self.preprocessing_steps()
        if start is not None:
            steps = start.preprocessing
        options: Any = {"side": self.size, "skip_broken": bool(self.skip_broken)}
        options |= {"progress": progress, "preprocessing": steps}
        return load_data(self.data, self.data_dir, **options)

    def preprocessing_steps(self) -> Preprocessing | None:
        """Return the preprocessing that the user chose for files and arrays, or None."""
        return None if self.preprocessing is None else steps_for(self.preprocessing, self.size)

    def fitted_to(self, train: Dataset) -> RunConfig:
        """Return the settings with a batch size and a number of epochs that fit the images.

        Raises:
            DataError: if the user chose a batch size that is larger than the training set.
        """
        aside = train.validation_mask(self.validation, self.seed) if self.validation else 0
        changes = settings_for_few_images(
            train.name,
            len(train) - int(np.sum(aside)),
            {name: getattr(self, name) for name in ("batch_size", "epochs", "patience")},
            self.model_fields_set | ({"epochs"} if self.data in SOURCES else set()),
        )
        return self.model_copy(update=changes)

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
            class_weights=weights_by_class(self.class_weights, classes),
            patience=self.patience or None,
            min_delta=self.min_delta,
            seed=self.seed,
            engine=self._engine(),
            on_divergence=self.on_divergence,
            augment=self.augment,
            average_weights=self.average_weights or None,
            freeze=self.freeze,
        )

    def plain(self) -> dict[str, Any]:
        """Return all settings except `out` and those that are None, as JSON values."""
        unset = {"out"} if self.model else {"out", "model"}
        return self.model_dump(mode="json", exclude=unset, exclude_none=True)

    def toml(self) -> str:
        """Return the settings as the contents of a TOML file."""
        return toml_text(self.plain())

    def _engine(self) -> str | MakeEngine:
        options = {"device": self.device, "amp": self.amp, "compile": self.compile}
        given = {name: value for name, value in options.items() if value is not None}
        return partial(ENGINES[self.engine], **given) if given else self.engine
