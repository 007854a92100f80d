"""How a network is to be trained."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.data.augment import Augmentation, as_augmentation
from handgrad.engines import MakeEngine
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.optim import Adam, Optimizer
from handgrad.schedules import Constant, Schedule


class Settings(TypedDict, total=False):
    """The fields of `Recipe`, each of which may be left out."""

    epochs: int
    batch_size: int
    optimizer: Optimizer
    schedule: Schedule
    loss: Loss
    clip_norm: float | None
    class_weights: Mapping[Label, float] | str | None
    patience: int | None
    min_delta: float
    seed: int
    engine: str | MakeEngine
    on_divergence: Literal["stop", "lower-lr"]
    augment: Augmentation | str | None
    average: float | None


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run.

    Attributes:
        epochs: how many times at most the training images are gone through.
        batch_size: how many images make one update; the last batch of an epoch may be smaller.
        optimizer: the rule that renews the parameters, with its learning rate.
        schedule: how the learning rate changes on the way.
        loss: what is made small.
        clip_norm: the largest norm that all gradients together may have; None: no limit.
        class_weights: how much an image counts, by its label; "balanced": each class the same
            in all; None: each image the same.
        patience: training stops after so many epochs without a lower loss, and the best weights
            are put back; None: train to the end and keep the last.
        min_delta: how much lower a loss must be to count as lower.
        seed: decides split, order, dropout and augmentation.
        engine: "compiled", the network as one program; "reference", the mathematics as written;
            "auto", the former, or the latter where Numba is missing; "torch", "torch:cpu" or
            "torch:cuda"; or a function that makes one, such as ``partial(TorchEngine, amp=True)``.
        on_divergence: what to do when a number is not finite: "stop" raises the error; "lower-lr"
            goes back to the last checkpoint, or the last epoch, and halves the learning rate, at
            most three times.
        augment: how the images are changed at random before they are learned from, otherwise in
            each epoch: an `Augmentation`, or in words, such as "light" or "shift=0.1,flip=true";
            None: not at all. Images to judge by stay as they are.
        average: the mean of the weights over about the last so many epochs is judged, and kept in
            the end; the running statistics of batch norm are those of the mean weights. On the
            way the network has its own weights. None: no mean.
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    loss: Loss = SoftmaxCrossEntropy()
    clip_norm: float | None = None
    class_weights: Mapping[Label, float] | str | None = None
    patience: int | None = 5
    min_delta: float = 0.0
    seed: int = 0
    engine: str | MakeEngine = "auto"
    on_divergence: Literal["stop", "lower-lr"] = "stop"
    augment: Augmentation | str | None = None
    average: float | None = None

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
                raise ConfigError(f"{name} must be such as {example}, not {value!r}")
        if self.on_divergence not in ("stop", "lower-lr"):
            raise ConfigError(
                f'on_divergence must be "stop" or "lower-lr", not {self.on_divergence!r}'
            )
        if isinstance(self.class_weights, str) and self.class_weights != "balanced":
            raise ConfigError(
                f'class_weights must be "balanced" or one number a label, '
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
        for name in ("clip_norm", "average"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} must be a number above 0, not {value}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with these settings, and the defaults for the others.

        Raises:
            ConfigError: if a setting is unknown or out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in settings:
            if name in ("lr", "learning_rate"):
                raise ConfigError(f"{name} belongs to the optimizer: optimizer=Adam(lr=0.01)")
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                cure = f"the nearest is {near[0]!r}" if near else f"choose of {', '.join(known)}"
                raise ConfigError(f"there is no setting {name!r}; {cure}")
        return cls(**settings)

    def image_weights(
        self, labels: NDArray[np.integer[Any]], classes: tuple[Label, ...]
    ) -> Array | None:
        """Return one weight for each image, (N,) float32; None: all the same.

        Args:
            labels: the images' classes, (N,) whole numbers 0..K-1.
            classes: what the classes are called.

        Raises:
            ConfigError: if a weight is missing, belongs to no class, or is not above 0.
        """
        if self.class_weights is None:
            return None
        if isinstance(self.class_weights, str):
            counts = np.bincount(labels, minlength=len(classes))
            by_class = len(labels) / (len(classes) * np.maximum(counts, 1))
        else:
            if set(self.class_weights) != set(classes):
                odd = min(set(self.class_weights) ^ set(classes), key=str)
                raise ConfigError(f"class_weights must name each class once; look at {odd!r}")
            by_class = np.array([self.class_weights[label] for label in classes])
        if not (np.isfinite(by_class).all() and (by_class > 0).all()):
            raise ConfigError("class_weights must all be finite numbers above 0")
        return by_class.astype(np.float32)[labels]
