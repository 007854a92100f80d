"""One set of settings tried: trained for some seconds, judged by the validation images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from handgrad.auto.budget import Clock, OutOfTime, Timed
from handgrad.auto.speed import Parts, Speed, fitted, planned, some_of
from handgrad.data import Dataset
from handgrad.engines import Engine, TrainConfig, engine_named
from handgrad.errors import DivergenceError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.runs.config import RunConfig
from handgrad.train import Epoch, History, epochs

CAUTION = 0.9  # of the seconds given that are planned for: the machine may have other work too


@dataclass
class Trial:
    """What came of some settings.

    Attributes:
        stage: in which part of the search it was tried.
        asked: the settings.
        config: the same with as many epochs as were planned.
        began: the second on the clock at which it began.
        images: how many images it learned from.
        records: one for each epoch.
        times: the second on the clock at the end of each epoch.
        arrays: the network's arrays: those of the last epoch, or where it was stopped before,
            those of the epoch that was best on validation.
        kept: the place of that epoch in `records`.
        diverged: whether a number stopped being finite.
    """

    stage: str
    asked: RunConfig
    began: float = 0.0
    images: int = 0
    records: list[Epoch] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    kept: int = -1
    diverged: bool = False

    def __post_init__(self) -> None:
        self.config = self.asked

    @property
    def counts(self) -> bool:
        """Whether it came to anything that can be used."""
        return bool(self.records) and not self.diverged

    @property
    def complete(self) -> bool:
        """Whether all epochs that were planned were made."""
        return len(self.records) == self.config.epochs

    @property
    def accuracy(self) -> float:
        """The share of the validation images that were right, 0 to 1."""
        return self.records[self.kept].validation_accuracy or 0.0

    @property
    def loss(self) -> float:
        """The mean loss on the validation images."""
        loss = self.records[self.kept].validation_loss
        return math.inf if loss is None else loss

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.times[-1] - self.began if self.times else 0.0

    @property
    def history(self) -> History:
        """The records as a run keeps them."""
        return History(self.records, not self.complete)


def attempt(
    trial: Trial,
    parts: Parts,
    speed: Speed,
    clock: Clock,
    *,
    seconds: float,
    late: float = 0.0,
    most: int,
    watch: Callable[[], None],
    patient: bool = False,
) -> None:
    """Train and judge for some seconds, and note all in the trial as it comes.

    Args:
        trial: settings that nothing has come of yet.
        parts: the images.
        speed: how long things take.
        clock: what tells the time.
        seconds: how long it is to take, judging included.
        late: how many seconds more it may take where it is held up.
        most: how many epochs at most.
        watch: called after each epoch.
        patient: whether one epoch is made however long it takes.
    """
    until = clock.spent + seconds + late
    count, images = planned(speed, CAUTION * seconds, len(parts.train), most)
    train = some_of(parts.train, images, trial.config.seed)
    trial.config, trial.images = fitted(trial.config, train, count), len(train)
    try:
        for engine in learned(trial, train, parts.validation, clock, until, patient):
            *before, record = trial.records
            if trial.complete or _merit(record) > max(map(_merit, before), default=()):
                trial.arrays, trial.kept = engine.judged, len(before)
            watch()
    except OutOfTime:
        pass
    except DivergenceError:
        trial.diverged = True


def learned(
    trial: Trial,
    train: Dataset,
    validation: Dataset | None,
    clock: Clock,
    until: float,
    patient: bool = False,
) -> Iterator[Timed]:
    """Train with the settings of a trial, note each epoch in it, and then yield the engine.

    Args:
        trial: the settings, fitted to the images.
        train: the images to learn from.
        validation: those to judge by.
        clock: what tells the time.
        until: the second on it at which to stop.
        patient: whether one epoch is made however long it takes.

    Raises:
        OutOfTime: if the time is over before the last epoch.
        DivergenceError: if a number is not finite any more.
    """
    recipe = trial.config.train_config(train.classes)
    timed: list[Timed] = []

    def engine(net: Network, rules: TrainConfig) -> Engine:
        timed.append(Timed(engine_named(recipe.engine, net, rules), net, clock, until, patient))
        return timed[0]

    settings = {**vars(recipe), "engine": engine}
    for record in epochs(trial.config.network(train), train, validation=validation, **settings):
        trial.records.append(record)
        trial.times.append(clock.spent)
        yield timed[0]


def ranked(trials: Sequence[Trial], images: int) -> list[Trial]:
    """Return trials, the best first.

    Those whose accuracy is within one standard error of the highest count as equals; of equals,
    the one with the lowest loss is first, for the loss tells more than right and wrong do.

    Args:
        trials: some that count.
        images: how many validation images there are.
    """
    highest = max((trial.accuracy for trial in trials), default=0.0)
    bar = highest - standard_error(highest, images)
    equals = sorted((t for t in trials if t.accuracy >= bar), key=lambda t: t.loss)
    return equals + sorted((t for t in trials if t.accuracy < bar), key=lambda t: -t.accuracy)


def standard_error(accuracy: float, images: int) -> float:
    """Return by how much an accuracy that so many images showed is off by chance."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


def _merit(record: Epoch) -> tuple[float, ...]:
    """Return what makes an epoch better than another: accuracy, then loss."""
    return record.validation_accuracy or 0.0, -record.monitored_loss
