"""The search: many settings for a short time, the better ones for longer, the best to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from handgrad.automatic.candidates import networks, preparations
from handgrad.automatic.clock import Clock
from handgrad.automatic.look import Look
from handgrad.automatic.speed import Parts, Speed, measured
from handgrad.automatic.trial import Trial, attempt, ranked, standard_error
from handgrad.config import Config

SHORTEST = 1.5  # seconds that a trial is worth beginning for
SURVIVORS = 3
FEW = 4  # epochs, whose median says more of the speed than a probe did
PROBING = 0.15  # of the time at most, to see how fast the candidates are


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


SHORT, LONGER, LAST = Stage("short", 0.3, 40), Stage("longer", 0.55, 80), Stage("last", 1.0, 200)


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
        look: what the pictures are like.
        clock: what tells the time.
        until: the second on the clock at which training must be over.
        parts_of: gives the pictures as some settings prepare them.
        watch: called after each epoch.
        trials: one for each set of settings tried, in order.
        left_out: how many candidates there was no time for.
    """

    base: Config
    look: Look
    clock: Clock
    until: float
    parts_of: Callable[[Config], Parts]
    watch: Callable[[Moment], None]
    trials: list[Trial] = field(default_factory=list)
    left_out: int = 0
    _speeds: dict[tuple[object, ...], Speed] = field(default_factory=dict)

    def go(self) -> None:
        """Try all that there is time for, then train what is best to the end."""
        train = self.parts_of(self.base).train
        candidates = self._in_reach(networks(self.base, train))
        begun = self.clock.spent
        short, longer = (begun + s.end * (self.until - begun) for s in (SHORT, LONGER))
        prepared = len(preparations(self.base, train, self.look))
        seconds = self._try_all(SHORT, candidates, short, prepared)
        if done := self.ranked(SHORT):
            first = done[0].config
            for config in preparations(first, self.parts_of(first).train, self.look):
                self._try(SHORT, config, seconds, short)
        self._try_all(LONGER, [t.config for t in self.ranked(SHORT)[:SURVIVORS]], longer)
        best = self.ranked(LONGER) or self.ranked(SHORT)
        config = best[0].config if best else candidates[0]
        self._try(LAST, config, self.until - self.clock.spent, self.until)

    @property
    def best(self) -> Trial | None:
        """What is best of all that came to something; what was trained to the end comes first.

        A shorter trial goes before it only where its accuracy is clearly higher: by half of what
        chance makes of it.
        """
        shorter, last = self.ranked(SHORT, LONGER), self.ranked(LAST)
        if not last:
            return shorter[0] if shorter else None
        bar = last[0].accuracy + standard_error(last[0].accuracy, self._judges) / 2
        best = max([last[0], *shorter], key=lambda trial: trial.accuracy)
        return best if best.accuracy > bar else last[0]

    def ranked(self, *stages: Stage) -> list[Trial]:
        """Return the trials of some stages that came to something, the best first."""
        names = {stage.name for stage in stages}
        done = [trial for trial in self.trials if trial.stage in names and trial.counts]
        return ranked(done, self._judges)

    def _in_reach(self, candidates: list[Config]) -> list[Config]:
        """Measure how fast candidates are; return those that there was time to measure."""
        until = self.clock.spent + PROBING * (self.until - self.clock.spent)
        for count, config in enumerate(candidates, 1):
            self._speed(config)
            if self.clock.spent > until:
                self.left_out += len(candidates) - count
                return candidates[:count]
        return candidates

    def _try_all(
        self, stage: Stage, candidates: Sequence[Config], until: float, later: int = 0
    ) -> float:
        """Try candidates, each for as long, until the time is over.

        Args:
            stage: the part of the search.
            candidates: what to try, the most promising first; one alone has no rival.
            until: the second on the clock at which it must be over.
            later: how many more will be tried in this time.

        Returns:
            How many seconds each had.
        """
        time = until - self.clock.spent
        room = int(time / SHORTEST)
        if min(room, len(candidates) + later) < 2:
            self.left_out += max(len(candidates) + later - 1, 0) if stage is SHORT else 0
            return 0.0
        seconds = time / min(room, len(candidates) + later)
        for config in candidates:
            self._try(stage, config, seconds, until - later * seconds)
        return seconds

    def _try(self, stage: Stage, config: Config, seconds: float, until: float) -> None:
        """Try some settings for some seconds, unless the time is over."""
        began = self.clock.spent
        if stage is not LAST and (seconds <= 0 or began + seconds / 2 > until):
            self.left_out += 1
            return
        parts, speed = self.parts_of(config), self._speed(config)
        trial = Trial(stage.name, config, began)
        self.trials.append(trial)
        rest = max(min(began + seconds, until) - self.clock.spent, 0.0)
        attempt(trial, parts, speed, self.clock, rest, stage.epochs, lambda: self._tell(trial))
        self._tell(trial, over=True)
        if len(trial.times) > FEW:
            self._speeds[self._kind(config)] = _seen(trial)

    def _speed(self, config: Config) -> Speed:
        """Return how fast the network of some settings is, as it was last seen."""
        kind = self._kind(config)
        if kind not in self._speeds:
            self._speeds[kind] = measured(config, self.parts_of(config))
        return self._speeds[kind]

    def _kind(self, config: Config) -> tuple[object, ...]:
        """Return what the speed depends on."""
        return config.model, self.parts_of(config).train.shape, config.batch_size

    def _tell(self, trial: Trial, *, over: bool = False) -> None:
        """Tell whoever watches where the search stands."""
        best = max((t.accuracy for t in self.trials if t.counts), default=0.0)
        self.watch(Moment(self.clock.spent, trial, best, over))

    @property
    def _judges(self) -> int:
        """How many validation pictures there are."""
        return len(self.parts_of(self.base).validation)


def _seen(trial: Trial) -> Speed:
    """Return how fast a network was while it was tried."""
    learning = median(record.seconds for record in trial.records)
    whole = median(b - a for a, b in zip(trial.times, trial.times[1:], strict=False))
    return Speed(learning / trial.pictures, max(whole - learning, 0.0))
