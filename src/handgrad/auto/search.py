"""The search: many settings for a short time, the better ones for longer, the best to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from handgrad.auto.budget import Clock
from handgrad.auto.candidates import (
    augmentations,
    averaged,
    networks,
    preprocessings,
    shifted,
)
from handgrad.auto.data_profile import Look
from handgrad.auto.speed import Parts, Speed, measured
from handgrad.auto.trial import Trial, attempt, ranked, standard_error
from handgrad.runs.config import RunConfig

SHORTEST = 1.5  # seconds that a trial is worth beginning for
SURVIVORS = 2
GRACE = 2.0  # seconds to learn something in, even where the time was spent on kernels
LEFT_OVER = 0.25  # of the time for the last training, for which another one is worth it
FEW = 4  # epochs, whose median says more of the speed than a probe did
SLACK = 1.1  # of the time that a training takes, kept to make it once more
PROBING = 0.2  # of the time at most, to see how fast candidates are; kernels are compiled then


class Stage(NamedTuple):
    """A part of the search.

    Attributes:
        name: what it is called.
        end: the share of the time at which it ends, counted from the beginning of the search.
        epochs: how many a trial makes at most.
    """

    name: str
    end: float
    epochs: int


SHORT, LONGER, LAST = Stage("short", 0.25, 20), Stage("longer", 0.6, 50), Stage("last", 1.0, 200)
REFIT = "refit"
CLEARLY = 2  # standard errors that chance alone may well make of the luckiest of some twenty trials
WORTH = 0.1  # of the images set aside, from which on they are worth learning from in the end


# In words.
STAGES = {"short": "tried", "longer": "longer", "last": "to the end", REFIT: "on all"}


class Moment(NamedTuple):
    """Where a search stands, after an epoch or at the end of a trial.

    Attributes:
        seconds: those that have passed.
        trial: what is being tried.
        best: the highest validation accuracy so far, 0 to 1.
        over: whether the trial is over.
    """

    seconds: float
    trial: Trial
    best: float
    over: bool = False


@dataclass
class Search:
    """What has been tried.

    Attributes:
        base: the settings that all candidates share.
        look: what the images are like.
        clock: what tells the time.
        until: the second on the clock at which training must be over.
        parts_of: gives the images as some settings prepare them.
        watch: called after each epoch.
        trials: one for each set of settings tried, in order.
        left_out: how many candidates there was no time for.
    """

    base: RunConfig
    look: Look
    clock: Clock
    until: float
    parts_of: Callable[[RunConfig], Parts]
    watch: Callable[[Moment], None]
    trials: list[Trial] = field(default_factory=list)
    left_out: int = 0
    _speeds: dict[tuple[object, ...], Speed] = field(default_factory=dict)

    def go(self) -> None:
        """Try all that there is time for, then train what is best to the end."""
        train = self.parts_of(self.base).train
        candidates = self._in_reach(networks(self.base, train), self.until)
        begun = self.clock.spent
        short, longer = (begun + s.end * (self.until - begun) for s in (SHORT, LONGER))
        prepared = preprocessings(self.base, train, self.look)
        self._try_all(SHORT, candidates, short, len(prepared))
        if done := self.ranked(SHORT):
            first = done[0].asked
            self._try_all(SHORT, preprocessings(first, train, self.look), short)
        self._longer(longer)
        self._last(candidates[0])

    @property
    def cost_of_refit(self) -> float:
        """How long training on all images takes, as a multiple; 0: it is not worth it."""
        images, train, validation, _ = self.parts_of(self.base)
        return len(images) / len(train) if len(validation) >= WORTH * len(images) else 0.0

    def _longer(self, until: float) -> None:
        """Try the best networks for longer, then the best of them with other augmentations."""
        survivors = [shifted(config, self.look) for config in self._survivors()]
        survivors = self._in_reach(survivors, until)
        train = self.parts_of(self.base).train
        others = augmentations(shifted(self.base, self.look), self.look)
        means = len(averaged(self.base, train))
        self._try_all(LONGER, survivors, until, len(others) + means)
        if done := self.ranked(LONGER):
            self._try_all(LONGER, augmentations(done[0].asked, self.look), until, means)
            self._try_all(LONGER, averaged(self.ranked(LONGER)[0].asked, train), until)

    def _survivors(self) -> list[RunConfig]:
        """Return the best of each network: a few, and one that had no time for all its epochs.

        For that one has more to gain from time than the others.
        """
        trials = self.ranked(SHORT)
        best = _one_of_each_network(trials)[:SURVIVORS]
        cut_short = [trial for trial in trials if len(trial.records) < SHORT.epochs]
        networks = {config.model for config in best}
        return best + [t.asked for t in cut_short[:1] if t.asked.model not in networks]

    def _last(self, default: RunConfig) -> None:
        """Train what is best to the end; where much time is left, the next best network too."""
        done = [*self.ranked(LONGER), *self.ranked(SHORT)]
        if not done:
            self.until = max(self.until, self.clock.spent + GRACE)
        first, *others = _one_of_each_network(done) or [default]
        until = self._until_refit(first)
        enough = LEFT_OVER * (until - self.clock.spent)
        self._try(LAST, first, until - self.clock.spent, until, late=self.until - until)
        for config in others:
            if until - self.clock.spent < enough:
                return
            self._try(LAST, config, until - self.clock.spent, until)

    def _until_refit(self, config: RunConfig) -> float:
        """Return the second at which the last training must be over, so that it can be made again.

        That is worth it only where half of the time is enough to learn well in.
        """
        begun = self.clock.spent
        until = begun + (self.until - begun) / (1 + SLACK * self.cost_of_refit)
        epoch = self._speed(config).epoch(len(self.parts_of(config).train))
        return until if until - begun >= LONGER.epochs * epoch else self.until

    @property
    def best(self) -> Trial | None:
        """What is best of all that came to something: the search led to what was last.

        Another one goes before it only where its accuracy is clearly higher. Of many trials that
        are judged by few images, the luckiest looks better than it is.
        """
        ranked = self.ranked(SHORT, LONGER, LAST)
        led_to = next((trial for trial in self.trials if trial.stage == LAST.name), None)
        if led_to is None or not led_to.counts:
            return ranked[0] if ranked else None
        bar = led_to.accuracy + CLEARLY * standard_error(led_to.accuracy, self._judges)
        highest = max(ranked, key=lambda trial: trial.accuracy)
        return highest if highest.accuracy > bar else led_to

    def ranked(self, *stages: Stage) -> list[Trial]:
        """Return the trials of some stages that came to something, the best first."""
        names = {stage.name for stage in stages}
        done = [trial for trial in self.trials if trial.stage in names and trial.counts]
        return ranked(done, self._judges)

    def _in_reach(self, candidates: list[RunConfig], until: float) -> list[RunConfig]:
        """Measure how fast candidates are; return those that a share of the time was enough for."""
        probed = self.clock.spent + PROBING * (until - self.clock.spent)
        for count, config in enumerate(candidates, 1):
            self._speed(config)
            if self.clock.spent > probed:
                self.left_out += len(candidates) - count
                return candidates[:count]
        return candidates

    def _try_all(
        self, stage: Stage, candidates: Sequence[RunConfig], until: float, later: int = 0
    ) -> None:
        """Try candidates, the quickest first: what they do not need of their share, others get.

        Args:
            stage: the part of the search.
            candidates: what to try, the most promising first; where there is no time for all, the
                last ones are left out, and one that would be alone too.
            until: the second on the clock at which it must be over.
            later: how many more will be tried in this time.
        """
        room = int((until - self.clock.spent) / SHORTEST)
        rivals = len(candidates) + later + len(self.ranked(stage))
        chosen = [*candidates][: max(room - later, 0)] if min(room, rivals) > 1 else []
        self.left_out += len(candidates) - len(chosen)
        size = len(self.parts_of(self.base).train)
        chosen.sort(key=lambda config: self._speed(config).epoch(size))
        for left, config in zip(range(len(chosen), 0, -1), chosen, strict=True):
            self._try(stage, config, (until - self.clock.spent) / (left + later), until)

    def _try(
        self, stage: Stage, config: RunConfig, seconds: float, until: float, late: float = 0.0
    ) -> None:
        """Try some settings for some seconds, unless the time is over; held up, a bit longer."""
        parts, speed = self.parts_of(config), self._speed(config)
        began = self.clock.spent
        if stage is not LAST and (seconds <= 0 or began + seconds / 2 > until):
            self.left_out += 1
            return
        trial = Trial(stage.name, config, began)
        self.trials.append(trial)
        rest = max(min(began + seconds, until) - self.clock.spent, 0.0)
        only = stage is LAST and not self.ranked(SHORT, LONGER)
        attempt(
            trial,
            parts,
            speed,
            self.clock,
            seconds=rest,
            late=late,
            most=stage.epochs,
            watch=lambda: self._tell(trial),
            patient=only,
        )
        self._tell(trial, over=True)
        if len(trial.times) > FEW:
            self._speeds[self._kind(config)] = _seen(trial)

    def _speed(self, config: RunConfig) -> Speed:
        """Return how fast the network of some settings is, as it was last seen."""
        kind = self._kind(config)
        if kind not in self._speeds:
            self._speeds[kind] = measured(config, self.parts_of(config))
        return self._speeds[kind]

    def _kind(self, config: RunConfig) -> tuple[object, ...]:
        """Return what the speed depends on."""
        shape = self.parts_of(config).train.shape
        return config.model, shape, config.batch_size, config.augment

    def _tell(self, trial: Trial, *, over: bool = False) -> None:
        """Tell whoever watches where the search stands."""
        best = max((t.accuracy for t in self.trials if t.counts), default=0.0)
        self.watch(Moment(self.clock.spent, trial, best, over))

    @property
    def _judges(self) -> int:
        """How many validation images there are."""
        return len(self.parts_of(self.base).validation)


def _one_of_each_network(trials: Sequence[Trial]) -> list[RunConfig]:
    """Return the settings of the first trial of each network."""
    first: dict[str, RunConfig] = {}
    for trial in trials:
        first.setdefault(trial.asked.model, trial.asked)
    return [*first.values()]


def _seen(trial: Trial) -> Speed:
    """Return how fast a network was while it was tried."""
    learning = median(record.seconds for record in trial.records)
    whole = median(b - a for a, b in zip(trial.times, trial.times[1:], strict=False))
    return Speed(learning / trial.images, max(whole - learning, 0.0))
