"""The complete automatic search: from images and a time budget to a tested model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from handgrad.automl.budget import TimeBudget
from handgrad.automl.candidates import with_settings
from handgrad.automl.data_profile import (
    DataProfile,
    batch_settings,
    profile_data,
    profile_images,
    validation_share,
)
from handgrad.automl.refit import refit
from handgrad.automl.result import SearchResult
from handgrad.automl.search import Search, SearchProgress
from handgrad.automl.speed import DataSplits
from handgrad.automl.trial import Trial
from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.engines import Engine, TrainConfig, engine_named
from handgrad.errors import ConfigError, DataError
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import AdamW
from handgrad.runs import calibrate_on
from handgrad.runs.config import RunConfig
from handgrad.runs.settings import configure
from handgrad.signals import interruptible
from handgrad.train import Robustness, evaluate, robustness

MIN_MINUTES, MAX_MINUTES = 0.1, 7 * 24 * 60
TEST_SECONDS, TEST_SHARE = 4.0, 0.03  # seconds, and share of the time, for test and report
MIN_CORRUPTED, MAX_CORRUPTED = 50, 1000  # test images that are corrupted in fifteen ways
TEST_SPLIT = 0.2  # of the images, if there is no test set

OnProgress = Callable[[SearchProgress], None]


def auto(
    train: Dataset | str | Path,
    minutes: float = 5.0,
    *,
    test: Dataset | None = None,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
) -> SearchResult:
    """Search for the best model within a time budget.

    The search tries networks, learning rates, preprocessings and augmentations, and compares them
    on validation images. It trains the best candidate for the rest of the time. If the user presses
    Ctrl-C, the search ends early and the best model so far is returned. The duration of the trials
    depends on the machine, so the same seed may give a different model.

    Args:
        train: the images, the name of a data set such as "mnist", or the path of a folder or a file
            of images.
        minutes: the time budget, including reading and testing; default 5.
        test: the test images. If `test` is None, the test set of the named data set is used, or a
            fifth of the images is set aside.
        seed: the seed for the initial weights, the split, the order of the images, dropout and
            augmentation; default 0.
        on_progress: called with the state of the search after each epoch.

    Returns:
        The result: `classifier` is the trained classifier, and `evaluation` is its score on the
        test images.

    Raises:
        ConfigError: if the time is too short or longer than a week, or if `test` is given although
            `train` is a name or a path.
        DataError: if the images cannot be read, are too few, or all have the same class.

    Example:
        >>> result = hg.auto(train, minutes=10, test=test)  # doctest: +SKIP
        >>> print(result.evaluation)  # doctest: +SKIP
    """
    if not isinstance(train, Dataset):
        if test is not None:
            raise ConfigError(
                "test can be given only if train is a Dataset; omit test, or load both data sets"
            )
        return run_search(base_config(str(train), seed=seed), minutes, on_progress=on_progress)
    check_minutes(minutes)
    if test is None:
        train, test = train.split(TEST_SPLIT, seed)
        has_test = False
    else:
        has_test = True
    budget = TimeBudget(60 * minutes)
    cache = DataCache(False, (train, test))
    base = base_config(str(Path("images").absolute()), seed=seed)  # replaced by their name below
    profile = profile_images(cache.splits_for(base).train, has_test, budget.seconds)
    if train.preprocessing is not None:  # they are not raw: files would be preprocessed differently
        profile = replace(profile, can_preprocess=False)
    found = _search(base, budget, profile, cache.splits_for, cache.share, on_progress)
    config = found.config.model_copy(update={"data": train.name})
    return SearchResult(**{**vars(found), "config": config})


def base_config(
    data: str, *, seed: int = 0, data_dir: Path | None = None, skip_broken: bool = False
) -> RunConfig:
    """Return the settings that are common to all candidates and do not depend on the images.

    Args:
        data: the name of a data set, or the path of the user's own images.
        seed: the seed for the initial weights, the split, the order of the images, dropout and
            augmentation.
        data_dir: the folder that contains the files of a built-in data set.
        skip_broken: whether to leave out image files that cannot be read.

    Raises:
        ConfigError: if there is no such data set.
    """
    given = {"data": data, "seed": seed, "data_dir": data_dir, "skip_broken": skip_broken or None}
    given |= {"patience": 0, "figures": False}
    return configure({name: value for name, value in given.items() if value is not None}, {})


def check_minutes(minutes: float) -> None:
    """Check that a time budget is valid.

    Raises:
        ConfigError: if the budget is too short, too long or not a number.
    """
    if not minutes >= MIN_MINUTES:
        raise ConfigError(f"minutes must be at least {MIN_MINUTES}, not {minutes:g}")
    if minutes > MAX_MINUTES:
        raise ConfigError(f"minutes must be at most {MAX_MINUTES}, a week, not {minutes:g}")


def run_search(
    base: RunConfig,
    minutes: float,
    *,
    on_progress: OnProgress = lambda _: None,
    progress: bool | None = None,
) -> SearchResult:
    """Search for the best model for the data set that a configuration specifies.

    SIGINT (Ctrl-C) ends the search early; the result then contains the best model so far.

    Args:
        base: the settings that are common to all candidates: see `base_config`.
        minutes: the time budget, including reading and testing.
        on_progress: called with the state of the search after each epoch.
        progress: whether to show a progress bar on stderr while reading; if None, it is shown if
            stderr is a terminal.

    Raises:
        ConfigError: if the time budget is too short or longer than a week.
        DataError: if the images cannot be read, are too few, or all have the same class.
    """
    check_minutes(minutes)
    budget = TimeBudget(60 * minutes)
    cache = DataCache(progress)
    start = time.perf_counter()
    splits = cache.splits_for(base)
    if budget.remaining < TEST_SECONDS:
        raise ConfigError(
            f"reading the images took {budget.elapsed:.0f} of {budget.seconds:.0f} seconds; "
            "increase the number of minutes"
        )
    reading = time.perf_counter() - start
    profile = profile_data(base, splits.train, budget.seconds, reading)
    return _search(base, budget, profile, cache.splits_for, cache.share, on_progress)


def _search(
    base: RunConfig,
    budget: TimeBudget,
    profile: DataProfile,
    splits_for: Callable[[RunConfig], DataSplits],
    share: float,
    on_progress: OnProgress,
) -> SearchResult:
    """Search, train the best candidate again on all training images, and test it.

    Args:
        base: the settings that are common to all candidates.
        budget: the time budget.
        profile: the properties of the images.
        splits_for: a function that returns the data splits, preprocessed as a given configuration
            specifies.
        share: the fraction of the training images that is used for validation.
        on_progress: called with the state of the search after each epoch.
    """
    splits = splits_for(base)
    _check_classes(splits.all_but_test)
    base = with_settings(base, validation=share, **batch_settings(splits))
    deadline = budget.seconds - TEST_SECONDS - TEST_SHARE * budget.seconds
    run = Search(base, profile, budget, deadline, splits_for, on_progress)
    interrupted, refitted = False, None
    try:
        with interruptible():
            run.run()
            refitted = refit(run)
    except KeyboardInterrupt:
        if run.best is None:
            raise
        interrupted = True
    if run.best is None:
        raise ConfigError(
            f"{budget.seconds:.0f} seconds were too short for one epoch; "
            "increase the number of minutes"
        )
    return _test(run, run.best, refitted, interrupted)


def _check_classes(images: Dataset) -> None:
    """Raise a DataError if all images have the same class."""
    if len(images.classes) < 2:
        raise DataError(
            f"{images.name}: all images have the class {images.classes[0]!r}; "
            "add images of another class"
        )


def _test(run: Search, chosen: Trial, refitted: Trial | None, interrupted: bool) -> SearchResult:
    """Calibrate and test the model.

    A refitted network was trained on the validation images. Its logits on them are more extreme
    than on new images, so a calibration or a threshold that is fitted to them is wrong for new
    images. The refitted network therefore keeps those of the network before the refit. That network
    was trained in the same way on fewer images, and its logits on images that it has not seen are
    distributed almost as those of the refitted network.
    """
    splits = run.splits_for(chosen.config)
    classifier = _classifier(chosen, splits)
    calibration = calibrate_on(classifier, splits.validation, splits.train)
    if refitted is not None:
        before, classifier = classifier, _classifier(refitted, splits)
        classifier.calibration, classifier.ood = before.calibration, before.ood
        if before.calibration or before.ood:
            calibration += "; fitted before the final training on all images"
    net = classifier.network
    rules = TrainConfig(SoftmaxCrossEntropy(), AdamW())
    engine = engine_named(chosen.config.engine, net, rules)
    engine.logits(splits.test.images[:1])  # compiles the kernels before the time is measured
    start = time.perf_counter()
    Z = engine.logits(splits.test.images)
    per_image = (time.perf_counter() - start) / len(splits.test)
    evaluation = evaluate(net, splits.test, logits=lambda _: Z)
    corrupted = _robustness(net, engine, splits.test, run.budget.remaining / 4, per_image)
    return SearchResult(
        config=(refitted or chosen).config,
        seconds=run.budget.elapsed,
        profile=run.profile,
        splits=splits,
        search=run,
        chosen=chosen,
        refitted=refitted,
        classifier=classifier,
        calibration=calibration,
        logits=Z,
        evaluation=evaluation,
        robustness=corrupted,
        interrupted=interrupted,
    )


def _classifier(trial: Trial, splits: DataSplits) -> Classifier:
    """Return a classifier whose network has the arrays that a trial kept."""
    net = trial.config.network(splits.train)
    net.restore(trial.arrays, is_fitted=True)
    train = splits.train
    return Classifier(
        *(net, train.classes), preprocessing=train.preprocessing, pixel_range=train.pixel_range
    )


def _robustness(
    net: Network, engine: Engine, test: Dataset, seconds: float, per_image: float
) -> Robustness | None:
    """Evaluate a network on as many corrupted images as time allows.

    Args:
        net: the network.
        engine: the engine that computes the network's logits.
        test: the test images.
        seconds: the time that the evaluation may take.
        per_image: the evaluation time per image, in seconds.
    """
    if test.images.dtype != np.uint8:
        return None
    affordable = int(seconds / (15 * per_image))
    count = min(max(affordable, MIN_CORRUPTED), MAX_CORRUPTED)
    return robustness(net, _evenly_spaced(test, count), logits=engine.logits)


def _evenly_spaced(data: Dataset, count: int) -> Dataset:
    """Return at most `count` images, taken from the data at even intervals."""
    if count >= len(data):
        return data
    return data.take(np.linspace(0, len(data) - 1, count).astype(np.int64))


class DataCache:
    """A cache of the data splits, so that the images are read only once per preprocessing.

    Args:
        progress: whether to show a progress bar while reading; if None, it is shown if stderr is a
            terminal.
        images: the training and test images, if they are in memory; or None to read the data that
            a configuration names.

    Attributes:
        share: the fraction of the training images that is used for validation.
    """

    def __init__(
        self, progress: bool | None, images: tuple[Dataset, Dataset] | None = None
    ) -> None:
        self._progress = progress
        self._images = images
        self._read: dict[tuple[str | None, int | None], DataSplits] = {}
        self.share = 0.0

    def splits_for(self, config: RunConfig) -> DataSplits:
        """Return the data splits, preprocessed as a configuration specifies."""
        key = config.preprocessing, config.size
        if key not in self._read:
            images, test = self._load(config)
            self.share = validation_share(len(images))
            train, validation = images.split(self.share, config.seed)
            self._read[key] = DataSplits(images, train, validation, test)
        return self._read[key]

    def _load(self, config: RunConfig) -> tuple[Dataset, Dataset]:
        """Return the training and test images, preprocessed as a configuration specifies."""
        if self._images is None:
            return config.load_data(self._progress if not self._read else False)
        if (steps := config.preprocessing_steps()) is None:
            return self._images
        train, test = self._images
        return train.preprocessed(steps), test.preprocessed(steps)
