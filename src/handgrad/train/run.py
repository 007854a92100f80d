"""A run on its way: where it stands, what comes next, what came of it."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np

from handgrad.data import Dataset
from handgrad.data.augment import Augmentation, EpochAugmentation
from handgrad.data.block_shuffle import prefetch, shuffled_indices
from handgrad.engines import BatchStream, Engine, StepResults
from handgrad.engines.divergence import optimizer_state_overflowed
from handgrad.errors import DivergenceError
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.random import generator
from handgrad.schedules import Progress
from handgrad.train.checkpoint.state import LOWERINGS, State, check_fits
from handgrad.train.config import Recipe
from handgrad.train.evaluate import Evaluation, evaluate
from handgrad.train.history import Epoch, History
from handgrad.train.weight_averaging import Average, next_point

SLICE = 0.2  # seconds of work between two looks at signals and clocks

_NOTHING = StepResults(np.zeros(0), np.zeros(0, np.int64))
_log = logging.getLogger("handgrad")


class Course:
    """A run from its first step to its last, some steps at a time.

    Args:
        net: the network; its arrays are changed in place.
        engine: what makes the steps.
        recipe: how.
        train: the images to learn from.
        weights: how much each of them counts, (N,); None: all the same.

    Attributes:
        is_whole: whether the numbers are those between two steps, so that they can be saved.
        is_warm: whether a step has been made, and the engine has compiled what it needs.
    """

    def __init__(
        self,
        net: Network,
        engine: Engine,
        recipe: Recipe,
        train: Dataset,
        weights: Array | None = None,
    ) -> None:
        self.net, self.engine, self.recipe, self.train = net, engine, recipe, train
        by_class = recipe.image_weights(train.labels, train.classes)
        self._weights = by_class if weights is None else weights
        if weights is not None and by_class is not None:
            self._weights = weights * by_class
        self._counts = recipe.loss.weigh(train.labels, self._weights, len(train.classes))
        self._records: list[Epoch] = []
        self._best = self._judged = net.snapshot()
        self._average = None if recipe.average is None else Average(net, recipe.average)
        self._done, self._seconds = _NOTHING, 0.0
        self._lowered = 0
        self._at_once, self._started = 1, 0.0
        self.is_whole, self.is_warm = True, False
        self._batches = self._of_epoch()
        self._good = self.state()

    @property
    def history(self) -> History:
        """The records so far, with those from before an interruption."""
        return History(list(self._records), len(self._records) < self.recipe.epochs)

    @property
    def is_over(self) -> bool:
        """Whether there is no epoch to be made any more."""
        patience, made = self.recipe.patience, len(self._records)
        waited = made - max((r.number for r in self._records if r.best), default=0)
        return made >= self.recipe.epochs or (patience is not None and waited >= patience)

    @property
    def is_at_the_end_of_an_epoch(self) -> bool:
        """Whether all steps of the epoch are made."""
        return self._place >= len(self._batches.lrs)

    @property
    def made(self) -> float:
        """How many epochs are made, the one that is not whole being a part of one."""
        return len(self._records) + self._place / len(self._batches.lrs)

    def ahead(self) -> BatchStream:
        """Return the next batches of the epoch: about as many as take `SLICE` seconds."""
        self.is_whole, self._started = False, time.perf_counter()
        size, first, last = self._batches.size, self._place, self._place + self._at_once
        if self._average is not None:
            last = min(last, next_point(first, len(self._batches.lrs)))
        after = self._batches.order[last * size : (2 * last - first) * size]
        prefetch(self.train.images, after)
        return self._batches._replace(
            order=self._batches.order[first * size : last * size],
            lrs=self._batches.lrs[first:last],
        )

    def note(self, came: StepResults) -> None:
        """Take note of what came out of the batches that were next.

        Raises:
            DivergenceError: if the optimizer's state is not finite any more.
        """
        seconds, count = max(time.perf_counter() - self._started, 1e-9), len(came.losses)
        with np.errstate(over="ignore", invalid="ignore"):  # found and named
            error = optimizer_state_overflowed(
                self.net, self.engine.optimizer_state, self.engine.steps - 1
            )
        if error is not None:
            raise error
        self._done = StepResults(
            *(np.concatenate(pair) for pair in zip(self._done, came, strict=True))
        )
        self._seconds += seconds
        steps = len(self._batches.lrs)
        if self._average is not None and self._place == next_point(self._place - 1, steps):
            self._average.add()
        self._at_once = max(1, min(8 * count, int(SLICE / seconds * count)))
        self.is_whole = self.is_warm = True

    def go_back(self, error: DivergenceError) -> None:
        """Go back to where all was well and halve the learning rate; or give up.

        Raises:
            DivergenceError: the one given, if the recipe says so, or halving it cannot help, or
                has been tried often enough.
        """
        error.hopeless = error.step == self._good.steps and not error.by_update
        stop = self.recipe.on_divergence == "stop" or error.hopeless
        if stop or self._lowered == LOWERINGS:
            self.net.restore(self._best)
            raise error
        self.restore(self._good._replace(lowered=self._lowered + 1))
        _log.warning(
            "handgrad: step %s, %s: a number is not finite; back to step %s, with half the "
            "learning rate (%s of %s times)",
            *(error.step, error.layer, self.engine.steps, self._lowered, LOWERINGS),
        )

    def judge(self, validation: Dataset | None) -> Evaluation | None:
        """Return how good the network is on the validation images; None: there are none.

        It is judged by its mean weights, where those are wanted.
        """
        average = self._average
        with average.given_to(self.engine, self._batches) if average else nullcontext():
            self._judged = self.net.snapshot()
            if validation is None:
                return None
            loss, logits = self.recipe.loss, self.engine.logits
            with np.errstate(over="ignore", invalid="ignore"):  # such a loss is never the best
                return evaluate(self.net, validation, loss=loss, logits=logits)

    def end_epoch(self, found: Evaluation | None) -> Epoch:
        """Return the record of the epoch, given what was found on the validation images."""
        record = self._record()
        if found is not None:
            record = record._replace(validation_loss=found.loss, validation_accuracy=found.accuracy)
        lowest = min((r.watched_loss for r in self._records if r.best), default=np.inf)
        if record.watched_loss < lowest - self.recipe.min_delta:
            record = record._replace(best=True)
        if record.best or (self._average is not None and self.recipe.patience is None):
            self._best = self._judged
        self._records.append(record)
        self._done, self._seconds = _NOTHING, 0.0
        if not self.is_over:
            self._batches = self._of_epoch()
        return record

    def end(self) -> None:
        """Put the best weights back, if the recipe says so, or the mean of the last."""
        if self.recipe.patience is not None or self._average is not None:
            self.net.restore(self._best)

    def state(self) -> State:
        """Return where the run stands: a copy."""
        return State(
            arrays=self.net.snapshot(),
            optimizer_state=copy.deepcopy(self.engine.optimizer_state),
            best=self._best,
            steps=self.engine.steps,
            epoch=self._done,
            seconds=self._seconds,
            records=list(self._records),
            lowered=self._lowered,
            average={} if self._average is None else copy.deepcopy(self._average.arrays),
            averaged=0 if self._average is None else self._average.count,
        )

    def restore(self, state: State) -> None:
        """Go on from there.

        Raises:
            ModelError: if it is the state of another network, or of none.
            ConfigError: if it is that of another optimizer.
        """
        check_fits(state, self.net.arrays, self.engine.optimizer_state, len(self._batches.lrs))
        self.net.restore(state.arrays)
        self.net.measured = True
        for name, kinds in self.engine.optimizer_state.items():
            for kind, array in kinds.items():
                array[...] = state.optimizer_state[name][kind]
        self.engine.steps = state.steps
        self._best, self._records = dict(state.best), list(state.records)
        self._done, self._seconds, self._lowered = state.epoch, state.seconds, state.lowered
        if self._average is not None:
            self._average.restore(state.average, state.averaged)
        if not self.is_over:
            self._batches = self._of_epoch()
        self._good, self.is_whole = state, True
        # The engine may look at the images before its first step; let it do so now.
        self.engine.run(self._batches._replace(order=self._batches.order[:0], lrs=[]))

    def keep(self, save: Callable[[State], None] | None) -> None:
        """Remember where the run stands, in case that it is to go back, and save it."""
        if save is not None or self.recipe.on_divergence != "stop":
            self._good = self.state()
        if save is not None:
            save(self._good)

    @contextmanager
    def saved_if_left(self, save: Callable[[State], None] | None) -> Iterator[None]:
        """Save where the run stands when it is told to end, if it stands between two steps."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            if save is not None and self.is_whole:
                save(self.state())
            raise

    @property
    def _place(self) -> int:
        """How many steps of the epoch are made."""
        return len(self._done.losses)

    def _of_epoch(self) -> BatchStream:
        """Return the batches of the epoch: all images in a new order, each with its rate."""
        recipe, count, made = self.recipe, len(self.train), len(self._records)
        steps = -(-count // recipe.batch_size)
        losses = tuple(record.watched_loss for record in self._records)
        lr = recipe.optimizer.lr * 0.5**self._lowered
        lrs = [
            lr * recipe.schedule.factor(Progress(step, steps, recipe.epochs, losses))
            for step in range(made * steps, (made + 1) * steps)
        ]
        images, labels = self.train.images, self.train.labels
        order = shuffled_indices(images, generator(recipe.seed, "shuffle", made + 1))
        augment = None
        if isinstance(recipe.augment, Augmentation):
            augment = EpochAugmentation(recipe.augment, recipe.seed, made + 1)
        return BatchStream(images, labels, self._weights, order, recipe.batch_size, lrs, augment)

    def _record(self) -> Epoch:
        """Return the record of the epoch, before validation; each image counts by its weight."""
        order, size, seconds = self._batches.order, self._batches.size, self._seconds
        starts = np.arange(0, len(order), size)
        count_of_batch = np.add.reduceat(self._counts[order], starts, dtype=np.float64)
        return Epoch(
            number=len(self._records) + 1,
            loss=float(np.average(self._done.losses, weights=count_of_batch)),
            accuracy=int(self._done.right.sum()) / len(order),
            validation_loss=None,
            validation_accuracy=None,
            lr=self._batches.lrs[-1],
            seconds=seconds,
            images_per_second=len(order) / seconds,
            best=False,
        )
