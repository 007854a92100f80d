"""The one loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Unpack

import numpy as np

from handgrad.data import Dataset
from handgrad.engines import Batches, Engine, Rules, Steps, engine_named
from handgrad.errors import DataError, DivergenceError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.random import generator
from handgrad.schedules import Progress
from handgrad.training.evaluation import check_classes, check_dataset, evaluate
from handgrad.training.history import Epoch, History
from handgrad.training.recipe import Recipe, Settings


def fit(
    net: Network,
    train: Dataset,
    validation: Dataset | float | None = 0.1,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    **settings: Unpack[Settings],
) -> History:
    """Train a network to the end, and return what each epoch brought.

    Args:
        net: the network; its arrays are changed in place.
        train: the pictures to learn from.
        validation: the pictures to judge by; a share of `train` to set aside for it; or None.
        on_epoch: called with each record as soon as it is there.
        settings: the fields of `Recipe`, such as ``epochs=3, optimizer=Adam(1e-3)``.

    Raises:
        DataError: if the pictures do not fit the network.
        ConfigError: if a setting is unknown or out of range.
        DivergenceError: if a number is not finite any more; the network then has the weights
            of the best epoch so far, or those it came with.
    """
    history = History()
    for record in epochs(net, train, validation, **settings):
        history.append(record)
        if on_epoch is not None:
            on_epoch(record)
    history.stopped_early = len(history) < Recipe.of(settings).epochs
    return history


def epochs(
    net: Network,
    train: Dataset,
    validation: Dataset | float | None = 0.1,
    **settings: Unpack[Settings],
) -> Iterator[Epoch]:
    """Train a network, and yield a record after each epoch; the arguments are those of `fit`.

    When the loop has run to its end, the network has the weights of the best epoch, unless
    `patience` is None. Whoever leaves it before has the weights of the last.
    """
    recipe = Recipe.of(settings)
    check_dataset(train)
    if validation is not None and not isinstance(validation, Dataset):
        train, validation = _split(train, validation, recipe.seed)
    _check(net, train, validation, recipe)
    if not net.measured:
        net.measure(train.pictures)
    rules = Rules(recipe.loss, recipe.optimizer, recipe.clip_norm, recipe.seed)
    engine = engine_named(recipe.engine, net, rules)
    return _epochs(net, engine, recipe, train, validation)


def _epochs(
    net: Network, engine: Engine, recipe: Recipe, train: Dataset, validation: Dataset | None
) -> Iterator[Epoch]:
    """Yield a record after each epoch, until the last or until the loss falls no more."""
    weights = recipe.picture_weights(train.labels, train.classes)
    counts = recipe.loss.weigh(train.labels, weights, len(train.classes))
    losses: list[float] = []
    best_loss, best_epoch, best_arrays = np.inf, 0, net.snapshot()
    for number in range(1, recipe.epochs + 1):
        batches = _batches(recipe, train, weights, number, tuple(losses))
        started = time.perf_counter()
        try:
            steps = engine.run(batches)
        except DivergenceError:
            net.restore(best_arrays)
            raise
        record = _record(number, batches, steps, counts, time.perf_counter() - started)
        if validation is not None:
            found = evaluate(net, validation, loss=recipe.loss, logits=engine.logits)
            record = record._replace(validation_loss=found.loss, validation_accuracy=found.accuracy)
        losses.append(record.watched_loss)
        if losses[-1] < best_loss - recipe.min_delta:
            best_loss, best_epoch, best_arrays = losses[-1], number, net.snapshot()
            record = record._replace(best=True)
        yield record
        if recipe.patience is not None and number - best_epoch >= recipe.patience:
            break
    if recipe.patience is not None:
        net.restore(best_arrays)


def _batches(
    recipe: Recipe, train: Dataset, weights: Array | None, number: int, losses: tuple[float, ...]
) -> Batches:
    """Return the batches of one epoch: all pictures in a new order, each with its rate."""
    count, size = len(train), recipe.batch_size
    steps = -(-count // size)
    rates = [
        recipe.optimizer.lr * recipe.schedule.factor(Progress(step, steps, recipe.epochs, losses))
        for step in range((number - 1) * steps, number * steps)
    ]
    order = generator(recipe.seed, "shuffle", number).permutation(count)
    return Batches(train.pictures, train.labels, weights, order, size, rates)


def _record(number: int, batches: Batches, steps: Steps, counts: Array, seconds: float) -> Epoch:
    """Return the record of one epoch, before validation; each picture counts by `counts`."""
    count, starts = len(batches.order), np.arange(0, len(batches.order), batches.size)
    count_of_batch = np.add.reduceat(counts[batches.order], starts, dtype=np.float64)
    return Epoch(
        number=number,
        loss=float(np.average(steps.losses, weights=count_of_batch)),
        accuracy=int(steps.right.sum()) / count,
        validation_loss=None,
        validation_accuracy=None,
        rate=batches.rates[-1],
        seconds=seconds,
        pictures_per_second=count / seconds,
        best=False,
    )


def _split(train: Dataset, share: object, seed: int) -> tuple[Dataset, Dataset | None]:
    """Return training and validation; a share of 0 sets nothing aside."""
    if not isinstance(share, int | float | np.number):
        raise DataError(f"validation must be a Dataset, a share or None, not {share!r}")
    return train.split(float(share), seed) if share else (train, None)


def _check(net: Network, train: Dataset, validation: Dataset | None, recipe: Recipe) -> None:
    """Raise a DataError before the work starts, rather than in the middle."""
    check_classes(net, train)
    train.check_trainable(recipe.batch_size)
    if validation is not None:
        check_classes(net, validation)
