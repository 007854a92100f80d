"""TrainingRun, which plans the batches of a run, records the results, evaluates and rolls back."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext

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
from handgrad.train.checkpoint.state import MAX_LR_HALVINGS, RunState, check_fits
from handgrad.train.evaluate import Evaluation, evaluate
from handgrad.train.history import Epoch, History
from handgrad.train.weight_averaging import WeightAverage, next_average_step
from handgrad.train_config import TrainConfig

SLICE_SECONDS = 0.2  # seconds of training between two checks for signals and due checkpoints

_NO_STEPS = StepResults(np.zeros(0), np.zeros(0, np.int64))
_log = logging.getLogger("handgrad")


class TrainingRun:
    """The state of a training run, which advances a few steps at a time.

    Args:
        net: the network; its arrays are changed in place.
        engine: the engine that does the steps.
        config: the hyperparameters.
        train: the training images.
        weights: the weight of each training image, (N,), or None for equal weights.

    Attributes:
        is_consistent: whether no step is in progress, so that the arrays can be saved.
        is_warm: whether at least one step has been done, so that the engine is already compiled.
        most_steps: the largest number of steps that `next_batches` returns at a time, or None for
            as many as take about `SLICE_SECONDS`. It does not change the results.
        last_good: the last state saved in memory, to which a rollback returns.
        evaluated_weights: the arrays of the network at the last evaluation.
        last_evaluation: the last evaluation on validation images, or None if there was none.
    """

    def __init__(
        self,
        net: Network,
        engine: Engine,
        config: TrainConfig,
        train: Dataset,
        weights: Array | None = None,
    ) -> None:
        self.net, self.engine, self.config, self.train = net, engine, config, train
        by_class = config.image_weights(train.labels, train.classes)
        self._weights = by_class if weights is None else weights
        if weights is not None and by_class is not None:
            self._weights = weights * by_class
        self._counts = config.loss.weigh(train.labels, self._weights, len(train.classes))
        self._records: list[Epoch] = []
        self._best_weights = self.evaluated_weights = net.snapshot()
        epochs = config.average_weights
        self._average = None if epochs is None else WeightAverage(net, epochs)
        self._results, self._seconds = _NO_STEPS, 0.0  # of the current epoch
        self._lr_halvings = 0
        self.last_evaluation: Evaluation | None = None
        self._steps_per_slice, self._slice_start = 1, 0.0
        self.most_steps: int | None = None
        self.is_consistent, self.is_warm = True, False
        self._epoch_batches = self._plan_epoch()
        self.last_good = self.state()

    @property
    def history(self) -> History:
        """The records of all epochs so far, including those from before an interruption."""
        return History(list(self._records), len(self._records) < self.config.epochs)

    @property
    def is_over(self) -> bool:
        """Whether the last epoch is finished, or early stopping has ended the run."""
        patience, done = self.config.patience, len(self._records)
        since_best = done - max((r.number for r in self._records if r.best), default=0)
        return done >= self.config.epochs or (patience is not None and since_best >= patience)

    @property
    def epoch_is_complete(self) -> bool:
        """Whether all steps of the current epoch are done."""
        return self._steps_done >= len(self._epoch_batches.lrs)

    @property
    def epochs_done(self) -> float:
        """The number of epochs done, including the finished fraction of the current epoch."""
        return len(self._records) + self._steps_done / len(self._epoch_batches.lrs)

    @property
    def epoch_results(self) -> StepResults:
        """The results of the steps done so far in the current epoch."""
        return self._results

    @property
    def lr(self) -> float:
        """The learning rate of the last step of the current epoch, or else of its first step."""
        return self._epoch_batches.lrs[max(self._steps_done - 1, 0)]

    def next_batches(self) -> BatchStream:
        """Return the next batches of the epoch; training on them takes about `SLICE_SECONDS`."""
        self.is_consistent, self._slice_start = False, time.perf_counter()
        size, first = self._epoch_batches.size, self._steps_done
        last = first + min(self._steps_per_slice, self.most_steps or self._steps_per_slice)
        if self._average is not None:
            last = min(last, next_average_step(first, len(self._epoch_batches.lrs)))
        following = self._epoch_batches.order[last * size : (2 * last - first) * size]
        prefetch(self.train.images, following)
        return self._epoch_batches._replace(
            order=self._epoch_batches.order[first * size : last * size],
            lrs=self._epoch_batches.lrs[first:last],
        )

    def record(self, results: StepResults) -> None:
        """Record the results of the steps on the batches from `next_batches`.

        Raises:
            DivergenceError: if the optimizer's state contains NaN or infinity.
        """
        seconds, count = max(time.perf_counter() - self._slice_start, 1e-9), len(results.losses)
        with np.errstate(over="ignore", invalid="ignore"):  # found and named
            error = optimizer_state_overflowed(
                self.net, self.engine.optimizer_state, self.engine.steps - 1
            )
        if error is not None:
            raise error
        self._results = StepResults(
            *(np.concatenate(pair) for pair in zip(self._results, results, strict=True))
        )
        self._seconds += seconds
        steps, done = len(self._epoch_batches.lrs), self._steps_done
        if self._average is not None and done == next_average_step(done - 1, steps):
            self._average.add()
        self._steps_per_slice = max(1, min(8 * count, int(SLICE_SECONDS / seconds * count)))
        self.is_consistent = self.is_warm = True

    def rollback(self, error: DivergenceError) -> None:
        """Roll back to `last_good` and halve the learning rate, if the config allows a rollback.

        Raises:
            DivergenceError: the given error, if `on_divergence` is "stop", if a lower learning rate
                cannot help, or if it has already been halved `MAX_LR_HALVINGS` times.
        """
        error.unrecoverable = error.step == self.last_good.steps and not error.by_update
        stop = self.config.on_divergence == "stop" or error.unrecoverable
        if stop or self._lr_halvings == MAX_LR_HALVINGS:
            self.net.restore(self._best_weights)
            raise error
        self.restore(self.last_good._replace(lr_halvings=self._lr_halvings + 1))
        _log.warning(
            "handgrad: step %s, %s: a value is not finite; returned to step %s and halved the "
            "learning rate (%s of at most %s times)",
            *(error.step, error.layer, self.engine.steps, self._lr_halvings, MAX_LR_HALVINGS),
        )

    def evaluate(self, validation: Dataset | None) -> Evaluation | None:
        """Evaluate the network on the validation images, or return None if `validation` is None.

        With weight averaging, the averaged weights are evaluated.
        """
        average = self._average
        with average.applied(self.engine, self._epoch_batches) if average else nullcontext():
            self.evaluated_weights = self.net.snapshot()
            if validation is None:
                return None
            loss, logits = self.config.loss, self.engine.logits
            with np.errstate(over="ignore", invalid="ignore"):  # such a loss is never the best
                found = evaluate(self.net, validation, loss=loss, logits=logits)
        self.last_evaluation = found
        return found

    def end_epoch(self, evaluation: Evaluation | None) -> Epoch:
        """Finish the current epoch, return its record, and start the next epoch."""
        record = self._epoch_record()
        if evaluation is not None:
            record = record._replace(
                validation_loss=evaluation.loss, validation_accuracy=evaluation.accuracy
            )
        lowest = min((r.monitored_loss for r in self._records if r.best), default=np.inf)
        if record.monitored_loss < lowest - self.config.min_delta:
            record = record._replace(best=True)
        if record.best or (self._average is not None and self.config.patience is None):
            self._best_weights = self.evaluated_weights
        self._records.append(record)
        self._results, self._seconds = _NO_STEPS, 0.0
        if not self.is_over:
            self._epoch_batches = self._plan_epoch()
        return record

    def finish(self) -> None:
        """Copy the best or the averaged weights into the network, if the config requires this."""
        if self.config.patience is not None or self._average is not None:
            self.net.restore(self._best_weights)

    def state(self) -> RunState:
        """Return a copy of the run's state."""
        return RunState(
            arrays=self.net.snapshot(),
            optimizer_state=copy.deepcopy(self.engine.optimizer_state),
            best=self._best_weights,
            steps=self.engine.steps,
            epoch=self._results,
            seconds=self._seconds,
            records=list(self._records),
            lr_halvings=self._lr_halvings,
            average_weights={} if self._average is None else copy.deepcopy(self._average.arrays),
            average_count=0 if self._average is None else self._average.count,
        )

    def restore(self, state: RunState) -> None:
        """Continue the run from a state.

        Raises:
            ModelError: if the state does not belong to this network.
            ConfigError: if the state belongs to a different optimizer.
        """
        steps = len(self._epoch_batches.lrs)
        check_fits(state, self.net.arrays, self.engine.optimizer_state, steps)
        self.net.restore(state.arrays, is_fitted=True)
        for name, kinds in self.engine.optimizer_state.items():
            for kind, array in kinds.items():
                array[...] = state.optimizer_state[name][kind]
        self.engine.steps = state.steps
        self._best_weights, self._records = dict(state.best), list(state.records)
        self._results, self._seconds = state.epoch, state.seconds
        self._lr_halvings = state.lr_halvings
        if self._average is not None:
            self._average.restore(state.average_weights, state.average_count)
        if not self.is_over:
            self._epoch_batches = self._plan_epoch()
        self.last_good, self.is_consistent = state, True
        # The engine may inspect the images before its first step; let it do so now.
        no_batches = self._epoch_batches._replace(order=self._epoch_batches.order[:0], lrs=[])
        self.engine.run(no_batches)

    def checkpoint(self, save: Callable[[RunState], None] | None) -> None:
        """Keep the current state in memory for a rollback, and write it to disk.

        Args:
            save: a function that writes a state to disk, or None to write nothing.
        """
        if save is not None or self.config.on_divergence != "stop":
            self.last_good = self.state()
        if save is not None:
            save(self.last_good)

    @property
    def _steps_done(self) -> int:
        """The number of steps done so far in the current epoch."""
        return len(self._results.losses)

    def _plan_epoch(self) -> BatchStream:
        """Return the batches of the next epoch, in a new order, each with its learning rate."""
        config, count, done = self.config, len(self.train), len(self._records)
        steps = -(-count // config.batch_size)
        losses = tuple(record.monitored_loss for record in self._records)
        lr = config.optimizer.lr * 0.5**self._lr_halvings
        lrs = [
            lr * config.schedule.factor(Progress(step, steps, config.epochs, losses))
            for step in range(done * steps, (done + 1) * steps)
        ]
        images, labels = self.train.images, self.train.labels
        order = shuffled_indices(images, generator(config.seed, "shuffle", done + 1))
        augment = None
        if isinstance(config.augment, Augmentation):
            augment = EpochAugmentation(config.augment, config.seed, done + 1)
        return BatchStream(images, labels, self._weights, order, config.batch_size, lrs, augment)

    def _epoch_record(self) -> Epoch:
        """Return the record of the epoch, without validation; the loss is a mean over images."""
        batches, seconds = self._epoch_batches, self._seconds
        starts = np.arange(0, len(batches.order), batches.size)
        batch_weights = np.add.reduceat(self._counts[batches.order], starts, dtype=np.float64)
        return Epoch(
            number=len(self._records) + 1,
            loss=float(np.average(self._results.losses, weights=batch_weights)),
            accuracy=int(self._results.correct.sum()) / len(batches.order),
            validation_loss=None,
            validation_accuracy=None,
            lr=batches.lrs[-1],
            seconds=seconds,
            images_per_second=len(batches.order) / seconds,
            best=False,
        )
