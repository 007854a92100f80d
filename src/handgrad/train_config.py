"""TrainConfig: the hyperparameters of a training run, each declared once.

The metadata of a field holds its help text and whether it may change when a run is resumed. The
options of the command line, the keys of a config file, the keywords of `hg.fit` and the docstring
of `TrainConfig` are generated from the fields.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.data.augment import Augmentation, as_augmentation
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.optim import Adam, Optimizer
from handgrad.schedules import Constant, Schedule

# Whether a setting may change when a run is resumed: always, only if allowed explicitly, or never.
OnResume = Literal["free", "allowed", "fixed"]


def setting(
    default: Any, description: str, *, off: str = "", on_resume: OnResume = "allowed"
) -> Any:
    """Return the declaration of one field of `TrainConfig`.

    Args:
        default: the default value.
        description: one sentence that says what the setting does, without a full stop.
        off: the meaning of the value None, or an empty string if None is not allowed.
        on_resume: whether the setting may change when a run is resumed.
    """
    metadata = {"description": description, "off": off, "on_resume": on_resume}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """The hyperparameters of a training run."""

    loss: Loss = setting(SoftmaxCrossEntropy(), "Loss function to minimize")
    optimizer: Optimizer = setting(Adam(), "Optimizer, which includes the learning rate")
    clip_norm: float | None = setting(
        None,
        "Gradient clipping: the maximum norm of all gradients together; if the norm is larger, the "
        "gradients are scaled down",
        off="no limit",
    )
    seed: int = setting(
        0, "Seed of all random choices, such as the order of the images", on_resume="fixed"
    )
    epochs: int = setting(10, "Maximum number of epochs")
    batch_size: int = setting(64, "Batch size: the number of images per update", on_resume="fixed")
    schedule: Schedule = setting(Constant(), "Learning rate schedule")
    class_weights: Mapping[Label, float] | str | None = setting(
        None,
        'Weight of each class in the loss; "balanced" gives every class the same total weight',
        off="all images have the same weight",
    )
    patience: int | None = setting(
        5,
        "Early stopping: training stops if the validation loss (or the training loss, if there are "
        "no validation images) has not decreased for this number of epochs, and the weights of the "
        "best epoch are restored",
        off="train for all epochs and keep the last weights",
    )
    min_delta: float = setting(
        0.0, "Smallest decrease of the loss that counts as an improvement for early stopping"
    )
    engine: str | Callable[..., Any] = setting(
        "auto",
        'Engine that computes the training steps: "compiled", "reference", "torch", "torch:cpu", '
        '"torch:cuda", or "auto" for the compiled engine if possible, otherwise the reference '
        "engine; or a function that makes an engine, such as partial(TorchEngine, amp=True)",
    )
    on_divergence: Literal["stop", "lower-lr"] = setting(
        "stop",
        'What to do if the loss or a weight becomes NaN or infinite: "stop" ends training with an '
        'error; "lower-lr" returns to the last checkpoint and halves the learning rate, at most '
        "three times",
        on_resume="free",
    )
    augment: Augmentation | str | None = setting(
        None,
        "Random augmentation of the training images, different in every epoch: an Augmentation, "
        'or a string such as "light" or "shift=0.1,flip=true"',
        off="no augmentation",
    )
    average_weights: float | None = setting(
        None,
        "Weight averaging: the network gets the average of its weights over about this number of "
        "last epochs, instead of its last weights",
        off="no averaging",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "augment", as_augmentation(self.augment))
        self._check_numbers()
        for name, kind, example in (
            ("optimizer", Optimizer, "Adam(1e-3)"),
            ("schedule", Schedule, "OneCycle()"),
            ("loss", Loss, "SoftmaxCrossEntropy()"),
        ):
            value = getattr(self, name)
            if isinstance(value, type) or not isinstance(value, kind):
                raise ConfigError(f"{name} must be a value such as {example}, not {value!r}")
        if self.on_divergence not in ("stop", "lower-lr"):
            raise ConfigError(
                f'on_divergence must be "stop" or "lower-lr", not {self.on_divergence!r}'
            )
        if isinstance(self.class_weights, str) and self.class_weights != "balanced":
            raise ConfigError(
                f'class_weights must be "balanced" or one number per label, '
                f"not {self.class_weights!r}"
            )

    def _check_numbers(self) -> None:
        """Raise a ConfigError if a number is out of range."""
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("seed", 0)):
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if not isinstance(value, Integral) or value < least:
                raise ConfigError(f"{name} must be a whole number of at least {least}, not {value}")
        if not 0 <= self.min_delta < math.inf:
            raise ConfigError(f"min_delta must be a number of at least 0, not {self.min_delta}")
        for name in ("clip_norm", "average_weights"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} must be a number above 0, not {value}")

    def replace(self, **keywords: Any) -> TrainConfig:
        """Return a copy of the config with some fields changed.

        Raises:
            ConfigError: if a keyword is not the name of a field, or a value is out of range.
        """
        names = [field.name for field in dataclasses.fields(self)]
        for name in keywords:
            if name in ("lr", "learning_rate"):
                raise ConfigError(
                    f"{name} is an argument of the optimizer: optimizer=Adam(lr=0.01)"
                )
            if name not in names:
                similar = difflib.get_close_matches(name, names, n=1)
                hint = f"did you mean {similar[0]!r}?" if similar else f"use {', '.join(names)}"
                raise ConfigError(f"unknown setting {name!r}; {hint}")
        return dataclasses.replace(self, **keywords)

    def image_weights(
        self, labels: NDArray[np.integer[Any]], classes: tuple[Label, ...]
    ) -> Array | None:
        """Return the weight of each image, (N,) float32, or None if all weights are equal.

        Args:
            labels: the class index of each image, (N,) integers 0..K-1.
            classes: the K class names.

        Raises:
            ConfigError: if a class has no weight, a weight has no class, or a weight is 0 or less.
        """
        if self.class_weights is None:
            return None
        if isinstance(self.class_weights, str):
            counts = np.bincount(labels, minlength=len(classes))
            by_class = len(labels) / (len(classes) * np.maximum(counts, 1))
        else:
            if set(self.class_weights) != set(classes):
                odd = min(set(self.class_weights) ^ set(classes), key=str)
                raise ConfigError(f"class_weights must name each class once; check {odd!r}")
            by_class = np.array([self.class_weights[label] for label in classes])
        if not (np.isfinite(by_class).all() and (by_class > 0).all()):
            raise ConfigError("class_weights must all be finite numbers above 0")
        return by_class.astype(np.float32)[labels]


def settings_with(on_resume: OnResume) -> tuple[str, ...]:
    """Return the names of the fields whose metadata has the given value of `on_resume`."""
    fields = dataclasses.fields(TrainConfig)
    return tuple(f.name for f in fields if f.metadata["on_resume"] == on_resume)


def _attributes() -> str:
    """Return the section "Attributes" of the docstring of TrainConfig."""
    lines = ["Attributes:"]
    for f in dataclasses.fields(TrainConfig):
        off = f" None: {f.metadata['off']}." if f.metadata["off"] else ""
        text = f"{f.name}: {f.metadata['description']}.{off} Default: {f.default!r}."
        lines += textwrap.wrap(text, 92, initial_indent="    ", subsequent_indent="        ")
    return "\n".join(lines)


TrainConfig.__doc__ = f"The hyperparameters of a training run.\n\n{_attributes()}\n"
