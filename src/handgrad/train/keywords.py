"""TrainKeywords: the TypedDict of the keywords of `fit` and `epochs`, generated from TrainConfig.

Generated from `TrainConfig` by ``python -m tests.train.keywords_source``; do not edit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from handgrad.class_names import Label
from handgrad.data.augment import Augmentation
from handgrad.losses import Loss
from handgrad.optim import Optimizer
from handgrad.schedules import Schedule


class TrainKeywords(TypedDict, total=False):
    """The fields of `TrainConfig`, each of which may be left out."""

    loss: Loss
    optimizer: Optimizer
    clip_norm: float | None
    seed: int
    epochs: int
    batch_size: int
    schedule: Schedule
    class_weights: Mapping[Label, float] | str | None
    patience: int | None
    min_delta: float
    engine: str | Callable[..., Any]
    on_divergence: Literal["stop", "lower-lr"]
    augment: Augmentation | str | None
    average_weights: float | None
