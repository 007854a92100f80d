"""One candidate of a search, trained for a limited time and evaluated on validation images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from handgrad.automl.budget import OutOfTime, TimeBudget, TimedEngine
from handgrad.automl.speed import DataSplits, Speed, plan_epochs, subset, with_epochs
from handgrad.data import Dataset
from handgrad.engines import Engine, TrainConfig, engine_named
from handgrad.errors import DivergenceError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.runs.config import RunConfig
from handgrad.train import Epoch, History, epochs

PLANNED_SHARE = 0.9  # of the time given: the machine may be slower than measured


@dataclass
class Trial:
    """A candidate and the results of its training.

    Attributes:
        stage: the name of the stage of the search.
        candidate: the requested settings.
        config: the candidate's settings with the planned number of epochs.
        start: the time at which the trial started, in seconds since the start of the budget.
        images: the number of training images.
        records: one record per epoch.
        times: the time at which each epoch ended, in seconds since the start of the budget.
        arrays: the network's arrays after the last epoch or, if the trial was stopped before that,
            after the epoch with the best validation result.
        kept: the epoch whose arrays are kept, as an index into `records`.
        diverged: whether a number became infinite or NaN.
    """

    stage: str
    candidate: RunConfig
    start: float = 0.0
    images: int = 0
    records: list[Epoch] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    kept: int = -1
    diverged: bool = False

    def __post_init__(self) -> None:
        self.config = self.candidate

    @property
    def is_valid(self) -> bool:
        """Whether at least one epoch was trained and no number became infinite or NaN."""
        return bool(self.records) and not self.diverged

    @property
    def is_complete(self) -> bool:
        """Whether all planned epochs were trained."""
        return len(self.records) == self.config.epochs

    @property
    def accuracy(self) -> float:
        """The validation accuracy of the kept epoch, 0 to 1."""
        return self.records[self.kept].validation_accuracy or 0.0

    @property
    def loss(self) -> float:
        """The mean validation loss of the kept epoch."""
        loss = self.records[self.kept].validation_loss
        return math.inf if loss is None else loss

    @property
    def seconds(self) -> float:
        """The time that the trial took, in seconds."""
        return self.times[-1] - self.start if self.times else 0.0

    @property
    def history(self) -> History:
        """The records of the epochs as a training history."""
        return History(self.records, not self.is_complete)


def run_trial(
    trial: Trial,
    splits: DataSplits,
    speed: Speed,
    budget: TimeBudget,
    *,
    seconds: float,
    overtime: float = 0.0,
    max_epochs: int,
    on_epoch: Callable[[], None],
    finish_epoch: bool = False,
) -> None:
    """Train and validate for a limited time, and record the results in the trial.

    Args:
        trial: a new trial.
        splits: the images.
        speed: the speed of the network, from which the number of epochs is planned.
        budget: the time budget of the search.
        seconds: the planned duration of training and validation, in seconds.
        overtime: extra seconds allowed if the machine is slower than expected.
        max_epochs: the maximum number of epochs.
        on_epoch: called after each epoch.
        finish_epoch: whether to finish the first epoch however long it takes.
    """
    deadline = budget.elapsed + seconds + overtime
    count, images = plan_epochs(speed, PLANNED_SHARE * seconds, len(splits.train), max_epochs)
    train = subset(splits.train, images, trial.config.seed)
    trial.config, trial.images = with_epochs(trial.config, train, count), len(train)
    try:
        for engine in train_trial(trial, train, splits.validation, budget, deadline, finish_epoch):
            *earlier, record = trial.records
            if trial.is_complete or _score(record) > max(map(_score, earlier), default=()):
                trial.arrays, trial.kept = engine.evaluated_arrays, len(earlier)
            on_epoch()
    except OutOfTime:
        pass
    except DivergenceError:
        trial.diverged = True


def train_trial(
    trial: Trial,
    train: Dataset,
    validation: Dataset | None,
    budget: TimeBudget,
    deadline: float,
    finish_epoch: bool = False,
) -> Iterator[TimedEngine]:
    """Train with the settings of a trial, and record each epoch in the trial; yield the engine.

    Args:
        trial: the trial, with its planned number of epochs.
        train: the training images.
        validation: the validation images, or None if there are none.
        budget: the time budget of the search.
        deadline: the time at which to stop, in seconds since the start of the budget.
        finish_epoch: whether to finish the first epoch however long it takes.

    Raises:
        OutOfTime: if the deadline passes before the last epoch.
        DivergenceError: if a number becomes infinite or NaN.
    """
    train_config = trial.config.train_config(train.classes)
    timed: list[TimedEngine] = []

    def engine(net: Network, step_config: TrainConfig) -> Engine:
        inner = engine_named(train_config.engine, net, step_config)
        timed.append(TimedEngine(inner, net, budget, deadline, finish_epoch))
        return timed[0]

    settings = {**vars(train_config), "engine": engine}
    for record in epochs(trial.config.network(train), train, validation=validation, **settings):
        trial.records.append(record)
        trial.times.append(budget.elapsed)
        yield timed[0]


def rank(trials: Sequence[Trial], images: int) -> list[Trial]:
    """Return the trials, sorted from best to worst.

    Accuracies within one standard error of the highest are treated as equal. Among trials with
    equal accuracy, the one with the lowest loss is best, because the loss changes more smoothly
    than the accuracy.

    Args:
        trials: valid trials.
        images: the number of validation images.
    """
    highest = max((trial.accuracy for trial in trials), default=0.0)
    threshold = highest - standard_error(highest, images)
    equals = sorted((t for t in trials if t.accuracy >= threshold), key=lambda t: t.loss)
    return equals + sorted((t for t in trials if t.accuracy < threshold), key=lambda t: -t.accuracy)


def standard_error(accuracy: float, images: int) -> float:
    """Return the standard error of an accuracy that was measured on `images` images."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


def _score(record: Epoch) -> tuple[float, ...]:
    """Return the sort key of an epoch: first accuracy, then loss."""
    return record.validation_accuracy or 0.0, -record.monitored_loss
