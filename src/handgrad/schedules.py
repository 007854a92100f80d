"""Learning-rate schedules, which scale the learning rate according to a run's progress.

Schedules have no state, so a resumed run uses the same learning rates as an uninterrupted one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from handgrad.errors import ConfigError


class Progress(NamedTuple):
    """The progress of a training run.

    Attributes:
        step: the number of updates so far.
        steps_per_epoch: the number of updates in an epoch.
        epochs: the number of epochs in the whole run.
        losses: the loss after each epoch so far: the validation loss, or the training loss if
            there is no validation set.
    """

    step: int
    steps_per_epoch: int
    epochs: int
    losses: tuple[float, ...] = ()

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return self.step // self.steps_per_epoch

    @property
    def share(self) -> float:
        """The fraction of the run that is finished: 0 at the first update, 1 at the last one."""
        return self.step / max(self.steps_per_epoch * self.epochs - 1, 1)


@runtime_checkable
class Schedule(Protocol):
    """A learning-rate schedule."""

    def factor(self, progress: Progress) -> float:
        """Return the factor by which the learning rate is multiplied at the next update."""
        ...


@dataclass(frozen=True)
class Constant:
    """A constant learning rate."""

    def factor(self, progress: Progress) -> float:
        """Return 1, which leaves the learning rate unchanged."""
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiply the learning rate by `gamma` every `every` epochs: gamma^⌊epoch/every⌋.

    Attributes:
        every: the number of epochs between two reductions.
        gamma: the factor by which each reduction multiplies the learning rate, from 0 to 1.
    """

    every: int = 10
    gamma: float = 0.1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every must be at least 1 epoch, not {self.every}")
        _check_factor(gamma=self.gamma)

    def factor(self, progress: Progress) -> float:
        """Return gamma^⌊epoch/every⌋."""
        return self.gamma ** (progress.epoch // self.every)


@dataclass(frozen=True)
class Cosine:
    """Decrease the factor of the learning rate from 1 to `floor` along half a cosine.

    floor + (1 − floor)(1 + cos πs)/2, where s is the finished fraction of the run

    I. Loshchilov, F. Hutter 2017, "SGDR", equation 5, without restarts.

    Attributes:
        floor: the factor of the learning rate at the last update, from 0 to 1.
    """

    floor: float = 0.0

    def __post_init__(self) -> None:
        _check_factor(floor=self.floor)

    def factor(self, progress: Progress) -> float:
        """Return floor + (1 − floor)(1 + cos πs)/2."""
        return _slide(1.0, self.floor, progress.share)


@dataclass(frozen=True)
class OneCycle:
    """Increase the factor of the learning rate from `start` to 1, then decrease it to `end`.

    Both the increase and the decrease follow half a cosine.

    L. Smith, N. Topin 2019, "Super-convergence", section 3, but with cosines, as in PyTorch.

    Attributes:
        warm_up: the fraction of the run that the warm-up takes.
        start: the factor of the learning rate at the first update.
        end: the factor of the learning rate at the last update; its default is 1e-4 times the
            default of `start`, as in PyTorch.
    """

    warm_up: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < 1:
            raise ConfigError(f"warm_up must be at least 0 and below 1, not {self.warm_up}")
        _check_factor(start=self.start, end=self.end)

    def factor(self, progress: Progress) -> float:
        """Return the factor by which the learning rate is multiplied at the next update."""
        if progress.share < self.warm_up:
            return _slide(self.start, 1.0, progress.share / self.warm_up)
        return _slide(1.0, self.end, (progress.share - self.warm_up) / (1 - self.warm_up))


@dataclass(frozen=True)
class Plateau:
    """Multiply the learning rate by `gamma` if the loss has not fallen for `patience` epochs.

    Attributes:
        patience: the number of epochs without an improvement before each reduction.
        gamma: the factor by which each reduction multiplies the learning rate.
        min_delta: the smallest decrease of the loss that counts as an improvement.
    """

    patience: int = 3
    gamma: float = 0.5
    min_delta: float = 1e-4

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ConfigError(f"patience must be at least 1 epoch, not {self.patience}")
        if not 0 <= self.min_delta < math.inf:
            raise ConfigError(f"min_delta must be a number of at least 0, not {self.min_delta}")
        _check_factor(gamma=self.gamma)

    def factor(self, progress: Progress) -> float:
        """Return gamma raised to the number of plateaus among the losses so far."""
        best, waited, plateaus = math.inf, 0, 0
        for loss in progress.losses:
            if loss < best - self.min_delta:
                best, waited = loss, 0
            else:
                waited += 1
            if waited == self.patience:
                plateaus, waited = plateaus + 1, 0
        return float(self.gamma**plateaus)


def _check_factor(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name} must be between 0 and 1, not {value}")


def _slide(start: float, end: float, share: float) -> float:
    """Interpolate from start to end along half a cosine; `share` is the position, from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
