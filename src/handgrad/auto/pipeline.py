"""The whole way: from images and some minutes to a model, and all there is to say of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handgrad.auto.budget import Clock
from handgrad.auto.candidates import changed
from handgrad.auto.data_profile import Look, look_at, settings_for, share_for_validation
from handgrad.auto.refit import refit
from handgrad.auto.search import Moment, Search
from handgrad.auto.speed import Parts
from handgrad.auto.trial import Trial
from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.engines import Engine, TrainConfig, engine_named
from handgrad.errors import ConfigError, DataError
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import AdamW
from handgrad.runs import calibrate_on
from handgrad.runs.config import RunConfig
from handgrad.runs.settings import configure
from handgrad.signals import interruptible
from handgrad.train import Evaluation, Robustness, evaluate, robustness

LEAST_MINUTES, MOST_MINUTES = 0.1, 7 * 24 * 60
FOR_THE_END, SHARE_FOR_THE_END = 4.0, 0.03  # seconds, and of the time: for test and report
FEWEST_DAMAGED, MOST_DAMAGED = 50, 1000  # test images that are damaged in fifteen ways


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        config: the settings of the model, as `handgrad train` takes them.
        seconds: the time that was taken, until the test was done.
        look: what the images are like.
        parts: the images.
        search: all that was tried.
        chosen: what was chosen, as it was judged.
        again: the same trained once more, on all images; None: it was not.
        classifier: the classifier of the last training.
        trust: what was done so that probabilities mean what they say, a sentence.
        logits: the network's for the test images, (N, K).
        evaluation: how good it is on them.
        robustness: how good it is on some of them, damaged; None: they are no bytes.
        interrupted: whether somebody stopped it before the time was over.
    """

    config: RunConfig
    seconds: float
    look: Look
    parts: Parts
    search: Search
    chosen: Trial
    again: Trial | None
    classifier: Classifier
    trust: str
    logits: Array
    evaluation: Evaluation
    robustness: Robustness | None
    interrupted: bool

    @property
    def final(self) -> Trial:
        """What the model is of."""
        return self.again or self.chosen


def beginning(data: str, *, seed: int = 0, folder: Path | None = None) -> RunConfig:
    """Return what all candidates share, as far as it does not follow from the images.

    Args:
        data: the name of the data, or the path of images of one's own.
        seed: decides initial weights, split, order and dropout.
        folder: where the files of data with a name lie.

    Raises:
        ConfigError: if there is no such data.
    """
    given = {"data": data, "seed": seed, "data_dir": folder, "patience": 0, "figures": False}
    return configure({name: value for name, value in given.items() if value is not None}, {})


def check_minutes(minutes: float) -> None:
    """Raise a ConfigError unless so many minutes can be given."""
    if not minutes >= LEAST_MINUTES:
        raise ConfigError(f"minutes must be at least {LEAST_MINUTES}, not {minutes:g}")
    if minutes > MOST_MINUTES:
        raise ConfigError(f"minutes must be at most {MOST_MINUTES}, a week, not {minutes:g}")


def fit(
    base: RunConfig,
    minutes: float,
    *,
    watch: Callable[[Moment], None] = lambda _: None,
    progress: bool | None = None,
) -> Outcome:
    """Choose preprocessing, network and learning rate, and train, within some minutes.

    SIGINT ends the search: what is best by then is what is returned.

    Args:
        base: the settings to begin with: see `beginning`.
        minutes: how long it may take, reading and test included.
        watch: called after each epoch.
        progress: whether to show a bar on stderr while reading; None: where that is a terminal.

    Raises:
        ConfigError: if the time is too short, or longer than a week.
        DataError: if the images cannot be read, are too few, or all of one class.
    """
    check_minutes(minutes)
    clock = Clock(60 * minutes)
    shelf = _Shelf(progress)
    parts = shelf.parts_of(base)
    if len(parts.images.classes) < 2:
        only = parts.images.classes[0]
        raise DataError(
            f"{parts.images.name}: all images are of one class, {only!r}; "
            "give those of another one too"
        )
    if clock.left < FOR_THE_END:
        raise ConfigError(
            f"reading the images took {clock.spent:.0f} of {clock.seconds:.0f} seconds; "
            "give more minutes"
        )
    base = changed(base, validation=shelf.share, **settings_for(parts))
    look = look_at(base, parts.train, clock.seconds)
    until = clock.seconds - FOR_THE_END - SHARE_FOR_THE_END * clock.seconds
    search = Search(base, look, clock, until, shelf.parts_of, watch)
    interrupted, again = False, None
    try:
        with interruptible():
            search.go()
            again = refit(search)
    except KeyboardInterrupt:
        if search.best is None:
            raise
        interrupted = True
    if search.best is None:
        raise ConfigError(
            f"{60 * minutes:.0f} seconds were too short for one epoch; give more minutes"
        )
    return _judged(search, look, search.best, again, interrupted)


def _judged(
    search: Search, look: Look, chosen: Trial, again: Trial | None, interrupted: bool
) -> Outcome:
    """Calibrate and test what was chosen; probabilities are judged by what it did not learn."""
    parts = search.parts_of(chosen.config)
    classifier = _classifier(chosen, parts)
    told = calibrate_on(classifier, parts.validation)
    if again is not None:
        calibration, classifier = classifier.calibration, _classifier(again, parts)
        classifier.calibration = calibration
    net = classifier.network
    rules = TrainConfig(SoftmaxCrossEntropy(), AdamW())
    engine = engine_named(chosen.config.engine, net, rules)
    engine.logits(parts.test.images[:1])  # its kernels are compiled before time is measured
    began = time.perf_counter()
    Z = engine.logits(parts.test.images)
    each = (time.perf_counter() - began) / len(parts.test)
    evaluation = evaluate(net, parts.test, logits=lambda _: Z)
    hard = _robustness(net, engine, parts.test, search.clock.left / 4, each)
    return Outcome(
        config=(again or chosen).config,
        seconds=search.clock.spent,
        look=look,
        parts=parts,
        search=search,
        chosen=chosen,
        again=again,
        classifier=classifier,
        trust=told,
        logits=Z,
        evaluation=evaluation,
        robustness=hard,
        interrupted=interrupted,
    )


def _classifier(trial: Trial, parts: Parts) -> Classifier:
    """Return the classifier of a trial, as it was in the end or when it was best."""
    net = trial.config.network(parts.train)
    net.restore(trial.arrays, is_fitted=True)
    return Classifier(net, parts.train.classes, preprocessing=parts.train.preprocessing)


def _robustness(
    net: Network, engine: Engine, test: Dataset, seconds: float, each: float
) -> Robustness | None:
    """Return how good a network is on damaged images, as many as some seconds are enough for.

    Args:
        net: the network.
        engine: what runs it.
        test: the test images.
        seconds: how long it may take.
        each: the seconds that one image takes.
    """
    if test.images.dtype != np.uint8:
        return None
    room = int(seconds / (15 * each))
    some = _spread(test, min(max(room, FEWEST_DAMAGED), MOST_DAMAGED))
    return robustness(net, some, logits=engine.logits)


def _spread(data: Dataset, count: int) -> Dataset:
    """Return so many images, from all over a data set."""
    if count >= len(data):
        return data
    return data.take(np.linspace(0, len(data) - 1, count).astype(np.int64))


class _Shelf:
    """The images, read once for each preprocessing.

    Attributes:
        share: of the training images that are set aside to choose by.
    """

    def __init__(self, progress: bool | None) -> None:
        self._progress = progress
        self._read: dict[tuple[str | None, int | None], Parts] = {}
        self.share = 0.0

    def parts_of(self, config: RunConfig) -> Parts:
        """Return the images as some settings prepare them."""
        key = config.preprocessing, config.size
        if key not in self._read:
            images, test = config.load_data(self._progress if not self._read else False)
            self.share = share_for_validation(len(images))
            train, validation = images.split(self.share, config.seed)
            self._read[key] = Parts(images, train, validation, test)
        return self._read[key]
