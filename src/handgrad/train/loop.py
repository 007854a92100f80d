"""The one loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from handgrad.data import Dataset
from handgrad.data.augment import Augmentation
from handgrad.data.augment.augmentation import grid_for
from handgrad.data.split import stratified
from handgrad.engines import Rules, engine_named
from handgrad.errors import ConfigError, DataError, DivergenceError, ModelError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.signals import Signals
from handgrad.train.checkpoint.fingerprint import check_identity, identity
from handgrad.train.checkpoint.manager import Checkpoints, Found, Keeper
from handgrad.train.config import Recipe, Settings
from handgrad.train.evaluate import check_classes, check_dataset
from handgrad.train.history import Epoch, History
from handgrad.train.run import Course


class _Place(NamedTuple):
    """Where a run is kept, what makes it that run, and whether it goes on with what is there."""

    checkpoints: Checkpoints
    run: dict[str, str]
    resume: bool


def fit(
    net: Network,
    train: Dataset,
    validation: Dataset | float | None = 0.1,
    *,
    weights: ArrayLike | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_progress: Callable[[float], None] | None = None,
    checkpoint: str | Path | Checkpoints | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> History:
    """Train a network to the end, and return what each epoch brought.

    Ctrl-C waits until a step is made, and raises KeyboardInterrupt then. With a folder for
    checkpoints one is written before, and SIGTERM and SIGHUP raise SystemExit likewise. A run that
    goes on from a checkpoint is the run it would have been, bit for bit.

    Args:
        net: the network; its arrays are changed in place.
        train: the images to learn from.
        validation: the images to judge by; a share of `train` to set aside for it; or None.
        weights: how much each image of `train` counts, (N,) numbers of at least 0, besides the
            weight of its class; None: all the same. Those set aside for validation count the same.
        on_epoch: called with each record as soon as it is there.
        on_progress: called some times a second with how many epochs are made, such as 2.4.
        checkpoint: the folder in which the run is kept while it goes on, or `Checkpoints`.
        resume: go on from the newest checkpoint there, if there is one.
        settings: the fields of `Recipe`, such as ``epochs=3, optimizer=Adam(1e-3)``.

    Raises:
        DataError: if the images do not fit the network.
        ConfigError: if a setting is unknown or out of range, or the folder holds another run.
        StorageError: if a checkpoint cannot be written, or none of those there is whole.
        DivergenceError: if a number is not finite any more; the network then has the weights
            of the best epoch so far, or those it came with.
    """
    course, validation, place = _set_out(
        net, train, validation, weights, checkpoint, resume, settings
    )
    for record in _epochs(course, validation, place, on_progress):
        if on_epoch is not None:
            on_epoch(record)
    return course.history


def epochs(
    net: Network,
    train: Dataset,
    validation: Dataset | float | None = 0.1,
    *,
    weights: ArrayLike | None = None,
    checkpoint: str | Path | Checkpoints | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Iterator[Epoch]:
    """Train a network, and yield a record after each epoch; the arguments are those of `fit`.

    When the loop has run to its end, the network has the weights of the best epoch, unless
    `patience` is None. Whoever leaves it before has the weights of the last. A run that goes on
    yields what is new. The folder for checkpoints is looked into, and kept from other runs, from
    the first record that is asked for until the loop ends or is closed.
    """
    return _epochs(*_set_out(net, train, validation, weights, checkpoint, resume, settings))


def _epochs(
    course: Course,
    validation: Dataset | None,
    place: _Place | None,
    on_progress: Callable[[float], None] | None = None,
) -> Iterator[Epoch]:
    """Yield a record after each epoch, until the last or until the loss falls no more."""
    with _kept(course, place) as keeper:
        save = None if keeper is None else keeper.save
        course.keep(save)
        while not course.is_over:
            with Signals(keeper is not None) as signals, course.saved_if_left(save):
                while not course.is_at_the_end_of_an_epoch:
                    with signals.held() if course.is_warm else nullcontext():
                        try:
                            course.note(course.engine.run(course.ahead()))
                        except DivergenceError as error:
                            course.go_back(error)
                        if keeper is not None and keeper.is_due:
                            course.keep(save)
                    if on_progress is not None:
                        on_progress(course.made)
                found = course.judge(validation)
                with signals.held():
                    record = course.end_epoch(found)
                    course.keep(save)
            yield record
        course.end()


def _set_out(
    net: Network,
    train: Dataset,
    validation: Dataset | float | None,
    weights: ArrayLike | None,
    checkpoint: str | Path | Checkpoints | None,
    resume: bool,
    settings: Settings,
) -> tuple[Course, Dataset | None, _Place | None]:
    """Return a run that has been checked, at its beginning, and where it is kept."""
    recipe = Recipe.of(settings)
    check_dataset(train)
    by_image = None if weights is None else _as_weights(weights, train)
    if validation is not None and not isinstance(validation, Dataset):
        train, validation, by_image = _split(train, validation, by_image, recipe.seed)
    _check(net, train, validation, recipe)
    course = _course(net, train, by_image, recipe)
    if checkpoint is None:
        if resume:
            raise ConfigError("resume needs checkpoint=FOLDER, the folder of the checkpoints")
        return course, validation, None
    if not isinstance(checkpoint, Checkpoints):
        checkpoint = Checkpoints(checkpoint)
    run = identity(recipe, course.engine, train, validation, by_image)
    return course, validation, _Place(checkpoint, run, resume)


def _course(net: Network, train: Dataset, weights: Array | None, recipe: Recipe) -> Course:
    """Return a run at its beginning, its network measured and its engine made."""
    if net.preprocessing is None:
        net.preprocessing = train.preprocessing
    if not net.measured:
        net.measure(train.images)
    rules = Rules(recipe.loss, recipe.optimizer, recipe.clip_norm, recipe.seed)
    return Course(net, engine_named(recipe.engine, net, rules), recipe, train, weights)


@contextmanager
def _kept(course: Course, place: _Place | None) -> Iterator[Keeper | None]:
    """Keep others out of a run's folder meanwhile; the course goes on where it stopped."""
    if place is None:
        yield None
        return
    with Keeper(place.checkpoints, place.run) as keeper:
        found = keeper.newest()
        if found is not None:
            if not place.resume:
                raise ConfigError(
                    f"{keeper.folder} holds the checkpoints of a run; give resume=True to go on "
                    "with it, or another folder"
                )
            was, other_settings = found.about["run"], place.checkpoints.other_settings
            check_identity(was, place.run, keeper.folder, other_settings=other_settings)
            _go_on(course, found, place.run)
        yield keeper


def _go_on(course: Course, found: Found, run: dict[str, str]) -> None:
    """Let a course go on from a checkpoint, once it is known to be of the same run."""
    state = found.state
    if found.about["run"].get("optimizer") != run["optimizer"]:
        state = state._replace(lowered=0)  # a rate that is given anew counts as it is given
    try:
        course.restore(state)
    except (ConfigError, ModelError) as error:
        raise type(error)(f"{found.path}: {error}") from None


def _split(
    train: Dataset, share: object, weights: Array | None, seed: int
) -> tuple[Dataset, Dataset | None, Array | None]:
    """Return training, validation and the weights of training; a share of 0 sets nothing aside."""
    if not isinstance(share, int | float | np.number):
        raise DataError(f"validation must be a Dataset, a share or None, not {share!r}")
    if not share:
        return train, None, weights
    if weights is not None:
        weights = weights[~stratified(train.labels, float(share), seed)]
    return *train.split(float(share), seed), weights


def _as_weights(weights: ArrayLike, train: Dataset) -> Array:
    """Return the weights of images, (N,) float32, checked."""
    try:
        array = np.asarray(weights, np.float32)
    except (TypeError, ValueError):
        array = np.zeros(0, np.float32)
    if array.shape != (len(train),) or not (np.isfinite(array) & (array >= 0)).all():
        raise DataError(
            f"weights must be {len(train)} finite numbers of at least 0, one for each image of "
            f"{train.name}"
        )
    if not array.any():
        raise DataError("weights are all 0: there is nothing to learn from; give some above 0")
    return array


def _check(net: Network, train: Dataset, validation: Dataset | None, recipe: Recipe) -> None:
    """Raise a DataError before the work starts, rather than in the middle."""
    check_classes(net, train)
    train.check_trainable(recipe.batch_size)
    if isinstance(recipe.augment, Augmentation):
        grid_for(recipe.augment, train.shape[1:])
    if validation is not None:
        check_classes(net, validation)
