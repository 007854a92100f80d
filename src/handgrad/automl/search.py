"""Trains many candidates briefly, the better ones for longer, and the best for longest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from handgrad.automl.budget import TimeBudget
from handgrad.automl.candidates import (
    augmentations,
    networks,
    preprocessings,
    weight_averaging,
    with_shift,
)
from handgrad.automl.data_profile import DataProfile
from handgrad.automl.speed import DataSplits, Speed, measure_speed
from handgrad.automl.trial import Trial, rank, run_trial, standard_error
from handgrad.runs.config import RunConfig

MIN_SECONDS = 1.5  # a shorter trial is not worth starting
SURVIVORS = 2  # networks that are trained for longer
GRACE = 2.0  # seconds to train in, even if compiling kernels used up the time
WORTHWHILE_REST = 0.25  # of the time of the final training, for another final training
FEW_EPOCHS = 4  # with more epochs, their median replaces the measured speed
SLACK = 1.1  # of the time of a training, reserved to repeat it
PROBING_SHARE = 0.2  # of the time at most, to measure the speed; it includes compiling kernels
CLEAR_MARGIN = 2  # standard errors: chance alone makes the best of twenty trials look that good
MIN_REFIT_SHARE = 0.1  # of the images are for validation: then training on them too is worthwhile


class SearchStage(NamedTuple):
    """A stage of the search.

    Attributes:
        name: the name of the stage.
        end: the fraction of the search time at which the stage ends.
        epochs: the maximum number of epochs of a trial in this stage.
    """

    name: str
    end: float
    epochs: int


SHORT = SearchStage("short", 0.25, 20)
LONGER = SearchStage("longer", 0.6, 50)
FINAL = SearchStage("final", 1.0, 200)
REFIT = "refit"

STAGES = {"short": "short", "longer": "longer", "final": "final", REFIT: "all images"}  # for people


class SearchProgress(NamedTuple):
    """The state of a search after an epoch or at the end of a trial.

    Attributes:
        seconds: the elapsed time in seconds.
        trial: the current trial.
        best: the highest validation accuracy so far, 0 to 1.
        is_over: whether the trial has ended.
    """

    seconds: float
    trial: Trial
    best: float
    is_over: bool = False


@dataclass
class Search:
    """The search and all its trials.

    Attributes:
        base: the settings that all candidates share.
        profile: the properties of the images.
        budget: the time budget.
        deadline: the time by which training must end, in seconds since the start of the budget.
        splits_for: a function that returns the data splits, preprocessed as a given configuration
            specifies.
        on_progress: called after each epoch and each trial.
        trials: all trials, in order.
        skipped: the number of candidates that were not tried because there was no time.
    """

    base: RunConfig
    profile: DataProfile
    budget: TimeBudget
    deadline: float
    splits_for: Callable[[RunConfig], DataSplits]
    on_progress: Callable[[SearchProgress], None]
    trials: list[Trial] = field(default_factory=list)
    skipped: int = 0
    _speeds: dict[tuple[object, ...], Speed] = field(default_factory=dict)

    def run(self) -> None:
        """Try candidates while time allows, then train the best one for the rest of the time."""
        train = self.splits_for(self.base).train
        candidates = self._affordable(networks(self.base, train), self.deadline)
        start = self.budget.elapsed
        short, longer = (start + s.end * (self.deadline - start) for s in (SHORT, LONGER))
        prepared = preprocessings(self.base, train, self.profile)
        self._try_all(SHORT, candidates, short, len(prepared))
        if ranking := self.ranked(SHORT):
            first = ranking[0].candidate
            is_late = self.budget.elapsed + MIN_SECONDS * len(prepared) > short
            self._try_all(  # the preprocessing matters more than longer trials of the networks
                SHORT, preprocessings(first, train, self.profile), longer if is_late else short
            )
        self._run_longer(longer)
        self._run_final(candidates[0])

    @property
    def refit_cost(self) -> float:
        """The cost of a refit relative to the final run; 0 if a refit is not worthwhile."""
        images, train, validation, _ = self.splits_for(self.base)
        worthwhile = len(validation) >= MIN_REFIT_SHARE * len(images)
        return len(images) / len(train) if worthwhile else 0.0

    @property
    def best(self) -> Trial | None:
        """The best valid trial: the first final trial, unless another is clearly more accurate.

        If many trials are compared on few images, the luckiest one looks better than it is.
        """
        ranking = self.ranked(SHORT, LONGER, FINAL)
        final = next((trial for trial in self.trials if trial.stage == FINAL.name), None)
        if final is None or not final.is_valid:
            return ranking[0] if ranking else None
        margin = CLEAR_MARGIN * standard_error(final.accuracy, self._validation_images)
        highest = max(ranking, key=lambda trial: trial.accuracy)
        return highest if highest.accuracy > final.accuracy + margin else final

    def ranked(self, *stages: SearchStage) -> list[Trial]:
        """Return the valid trials of the given stages, best first."""
        names = {stage.name for stage in stages}
        valid = [trial for trial in self.trials if trial.stage in names and trial.is_valid]
        return rank(valid, self._validation_images)

    def _run_longer(self, deadline: float) -> None:
        """Train the best networks for longer, then the best of these with other augmentations."""
        survivors = [with_shift(config, self.profile) for config in self._survivors()]
        survivors = self._affordable(survivors, deadline)
        train = self.splits_for(self.base).train
        others = augmentations(with_shift(self.base, self.profile), self.profile)
        averaged = len(weight_averaging(self.base, train))
        self._try_all(LONGER, survivors, deadline, len(others) + averaged)
        if ranking := self.ranked(LONGER):
            others = augmentations(ranking[0].candidate, self.profile)
            self._try_all(LONGER, others, deadline, averaged)
            best = self.ranked(LONGER)[0].candidate
            self._try_all(LONGER, weight_averaging(best, train), deadline)

    def _survivors(self) -> list[RunConfig]:
        """Return the best candidates of the best networks, and one whose trial ran out of time.

        A network that could not finish its epochs gains more from additional time than a network
        that could.
        """
        ranking = self.ranked(SHORT)
        best = _best_of_each_network(ranking)[:SURVIVORS]
        cut_short = [trial for trial in ranking if len(trial.records) < SHORT.epochs]
        models = {config.model for config in best}
        return best + [t.candidate for t in cut_short[:1] if t.candidate.model not in models]

    def _run_final(self, default: RunConfig) -> None:
        """Train the best candidate, and also the next best networks if much time is left."""
        ranking = [*self.ranked(LONGER), *self.ranked(SHORT)]
        if not ranking:
            self.deadline = max(self.deadline, self.budget.elapsed + GRACE)
        first, *others = _best_of_each_network(ranking) or [default]
        deadline = self._final_deadline(first)
        enough = WORTHWHILE_REST * (deadline - self.budget.elapsed)
        overtime = self.deadline - deadline
        self._try(FINAL, first, deadline - self.budget.elapsed, deadline, overtime=overtime)
        for config in others:
            if deadline - self.budget.elapsed < enough:
                return
            self._try(FINAL, config, deadline - self.budget.elapsed, deadline)

    def _final_deadline(self, config: RunConfig) -> float:
        """Return the deadline of the final training run, early enough to leave time to repeat it.

        The run is repeated on all images only if half of the time is enough for many epochs.
        """
        start = self.budget.elapsed
        deadline = start + (self.deadline - start) / (1 + SLACK * self.refit_cost)
        epoch = self._speed(config).epoch(len(self.splits_for(config).train))
        return deadline if deadline - start >= LONGER.epochs * epoch else self.deadline

    def _affordable(self, candidates: list[RunConfig], deadline: float) -> list[RunConfig]:
        """Measure the speeds of candidates until time is short; return the candidates measured."""
        limit = self.budget.elapsed + PROBING_SHARE * (deadline - self.budget.elapsed)
        for count, config in enumerate(candidates, 1):
            self._speed(config)
            if self.budget.elapsed > limit:
                self.skipped += len(candidates) - count
                return candidates[:count]
        return candidates

    def _try_all(
        self, stage: SearchStage, candidates: Sequence[RunConfig], deadline: float, later: int = 0
    ) -> None:
        """Try candidates, the fastest first, so that the slower ones can use the remaining time.

        Args:
            stage: the current stage of the search.
            candidates: the candidates, most promising first. If there is not enough time for all of
                them, the last ones are skipped. A single candidate is skipped too, because there is
                nothing to compare it with.
            deadline: the time at which the stage ends, in seconds since the start of the budget.
            later: how many more candidates will be tried in this stage.
        """
        slots = int((deadline - self.budget.elapsed) / MIN_SECONDS)
        rivals = len(candidates) + later + len(self.ranked(stage))
        chosen = [*candidates][: max(slots - later, 0)] if min(slots, rivals) > 1 else []
        self.skipped += len(candidates) - len(chosen)
        size = len(self.splits_for(self.base).train)
        chosen.sort(key=lambda config: self._speed(config).epoch(size))
        for count, config in zip(range(len(chosen), 0, -1), chosen, strict=True):
            seconds = (deadline - self.budget.elapsed) / (count + later)
            self._try(stage, config, seconds, deadline)

    def _try(
        self,
        stage: SearchStage,
        config: RunConfig,
        seconds: float,
        deadline: float,
        overtime: float = 0.0,
    ) -> None:
        """Run a trial for the given number of seconds unless the time is up."""
        splits, speed = self.splits_for(config), self._speed(config)
        start = self.budget.elapsed
        if stage is not FINAL and (seconds <= 0 or start + seconds / 2 > deadline):
            self.skipped += 1
            return
        trial = Trial(stage.name, config, start)
        self.trials.append(trial)
        rest = max(min(start + seconds, deadline) - self.budget.elapsed, 0.0)
        is_only = stage is FINAL and not self.ranked(SHORT, LONGER)
        run_trial(
            trial,
            splits,
            speed,
            self.budget,
            seconds=rest,
            overtime=overtime,
            max_epochs=stage.epochs,
            on_epoch=lambda: self._report(trial),
            finish_epoch=is_only,
        )
        self._report(trial, is_over=True)
        if len(trial.times) > FEW_EPOCHS:
            self._speeds[self._speed_key(config)] = _observed_speed(trial)

    def _speed(self, config: RunConfig) -> Speed:
        """Return the most recently measured speed of a configuration."""
        key = self._speed_key(config)
        if key not in self._speeds:
            self._speeds[key] = measure_speed(config, self.splits_for(config))
        return self._speeds[key]

    def _speed_key(self, config: RunConfig) -> tuple[object, ...]:
        """Return the settings on which the speed depends."""
        shape = self.splits_for(config).train.shape
        return config.model, shape, config.batch_size, config.augment

    def _report(self, trial: Trial, *, is_over: bool = False) -> None:
        """Report the progress of the search."""
        best = max((t.accuracy for t in self.trials if t.is_valid), default=0.0)
        self.on_progress(SearchProgress(self.budget.elapsed, trial, best, is_over))

    @property
    def _validation_images(self) -> int:
        """The number of validation images."""
        return len(self.splits_for(self.base).validation)


def _best_of_each_network(ranking: Sequence[Trial]) -> list[RunConfig]:
    """Return the candidate of each network's highest-ranked trial."""
    first: dict[str, RunConfig] = {}
    for trial in ranking:
        first.setdefault(trial.candidate.model, trial.candidate)
    return [*first.values()]


def _observed_speed(trial: Trial) -> Speed:
    """Return the speed of a network as observed during its trial."""
    training = median(record.seconds for record in trial.records)
    epoch = median(b - a for a, b in zip(trial.times, trial.times[1:], strict=False))
    return Speed(training / trial.images, max(epoch - training, 0.0))
