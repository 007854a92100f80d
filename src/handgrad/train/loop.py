"""The training loop: `fit` and `epochs`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from handgrad.classifier import ClassChange, Classifier, network_of
from handgrad.data import Dataset
from handgrad.data.augment import Augmentation
from handgrad.data.augment.augmentation import grid_for
from handgrad.engines import engine_named
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.train.checkpoint.fingerprint import check_fingerprint, run_fingerprint
from handgrad.train.checkpoint.manager import (
    CheckpointConfig,
    CheckpointManager,
    LoadedCheckpoint,
)
from handgrad.train.evaluate import check_classes, check_dataset, scaled_for
from handgrad.train.guard import RunGuard
from handgrad.train.history import Epoch, History
from handgrad.train.keywords import TrainKeywords
from handgrad.train.progress_bar import progress_bar
from handgrad.train.run import TrainingRun
from handgrad.train_config import TrainConfig

_log = logging.getLogger("handgrad")


def fit(
    model: Network | Classifier,
    train: Dataset,
    config: TrainConfig = TrainConfig(),
    *,
    validation: Dataset | float | None = 0.1,
    weights: ArrayLike | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_progress: Callable[[float], None] | None = None,
    before_steps: Callable[[TrainingRun], None] | None = None,
    verbose: bool = False,
    checkpoint: str | Path | CheckpointConfig | None = None,
    resume: bool = False,
    **keywords: Unpack[TrainKeywords],
) -> History:
    """Train a network, and return one record per epoch.

    Ctrl-C takes effect after the current step and raises KeyboardInterrupt. If `checkpoint` is
    given, the run is saved before the exception is raised, and SIGTERM and SIGHUP are handled like
    Ctrl-C, except that they raise SystemExit. A resumed run produces exactly the same weights as
    an uninterrupted run.

    Args:
        model: the network or classifier; its arrays are changed in place. Training continues with
            the weights that it has. `Classifier.for_classes` makes it fit other classes.
        train: the training images.
        config: the hyperparameters.
        validation: the validation images; or the fraction of `train` to use for validation; or None
            to train without validation.
        weights: one nonnegative weight per image of `train`, shape (N,), which is multiplied by the
            weight of the image's class; or None for equal weights. Validation images are not
            weighted.
        on_epoch: a function that is called with the record of each epoch.
        on_progress: a function that is called several times per second with the number of epochs
            done so far, such as 2.4.
        before_steps: a function that is called several times per second, between two training
            steps, with the state of the run. It may wait, and it may set `most_steps`.
        verbose: whether to show a progress bar in the terminal or notebook.
        checkpoint: the folder for the run's checkpoints, or a `CheckpointConfig`.
        resume: whether to continue from the newest checkpoint, if there is one.
        keywords: fields of `TrainConfig` that override those of `config`, such as
            ``epochs=3, optimizer=Adam(1e-3)``.

    Raises:
        DataError: if the images do not fit the network.
        ConfigError: if a setting is unknown or out of range, or if the folder contains another run.
        StorageError: if a checkpoint cannot be written, or if all existing checkpoints are damaged.
        DivergenceError: if a value becomes NaN or infinite. The network then has the weights of the
            best epoch so far, or its initial weights if no epoch is finished.
    """
    config = _combined(config, keywords)
    run, validation, target = _prepare(
        model, train, config, validation, weights, checkpoint, resume
    )
    with progress_bar(config.epochs, verbose) as bar:
        calls = _each(on_progress, bar.update), before_steps
        for record in _run_epochs(run, validation, target, *calls):
            bar.show(record)
            if on_epoch is not None:
                on_epoch(record)
    _report_failure(run)
    return run.history


def epochs(
    model: Network | Classifier,
    train: Dataset,
    config: TrainConfig = TrainConfig(),
    *,
    validation: Dataset | float | None = 0.1,
    weights: ArrayLike | None = None,
    checkpoint: str | Path | CheckpointConfig | None = None,
    resume: bool = False,
    **keywords: Unpack[TrainKeywords],
) -> Iterator[Epoch]:
    """Train a network, and yield a record after each epoch; the arguments are those of `fit`.

    After the last epoch, the network has the weights of the best epoch, unless `patience` is None.
    If you leave the loop early, the network has the weights of the last epoch. A resumed run yields
    only the new epochs. From the first record until the iterator ends or is closed, the checkpoint
    folder is locked, so that another run cannot write to the folder.
    """
    config = _combined(config, keywords)
    return _run_epochs(*_prepare(model, train, config, validation, weights, checkpoint, resume))


class _CheckpointTarget(NamedTuple):
    """The checkpoint settings, the run's fingerprint, and whether to resume an existing run."""

    config: CheckpointConfig
    fingerprint: dict[str, str]
    resume: bool


def _run_epochs(
    run: TrainingRun,
    validation: Dataset | None,
    target: _CheckpointTarget | None,
    on_progress: Callable[[float], None] | None = None,
    before_steps: Callable[[TrainingRun], None] | None = None,
) -> Iterator[Epoch]:
    """Train until the last epoch or early stopping, and yield a record after each epoch."""
    with _checkpointing(run, target) as manager:
        guard = RunGuard(run, manager)
        while not run.is_over:
            with guard.epoch():
                while not run.epoch_is_complete:
                    if before_steps is not None:
                        before_steps(run)
                    with guard.steps():
                        # Forward, loss, backward, update: see ReferenceEngine.run.
                        results = run.engine.run(run.next_batches())
                        run.record(results)
                    if on_progress is not None:
                        on_progress(run.epochs_done)
                evaluation = run.evaluate(validation)
                with guard.epoch_end():
                    record = run.end_epoch(evaluation)
            yield record
        run.finish()


def _report_failure(run: TrainingRun) -> None:
    """Log a warning if the last evaluation shows that training failed without NaN or infinity."""
    found = run.last_evaluation
    if found and found.failure and isinstance(run.config.loss, SoftmaxCrossEntropy):
        _log.warning(
            "handgrad: training may have failed: %s; try a lower learning rate", found.failure
        )


def _combined(config: TrainConfig, keywords: TrainKeywords) -> TrainConfig:
    """Return a config in which keywords override some fields, after checking the result."""
    if not isinstance(config, TrainConfig):
        raise ConfigError(
            f"the third argument must be a TrainConfig, not {config!r:.40}; "
            "give validation data by name: validation=..."
        )
    return config.replace(**keywords)


def _prepare(
    model: Network | Classifier,
    train: Dataset,
    config: TrainConfig,
    validation: Dataset | float | None,
    weights: ArrayLike | None,
    checkpoint: str | Path | CheckpointConfig | None,
    resume: bool,
) -> tuple[TrainingRun, Dataset | None, _CheckpointTarget | None]:
    """Check the arguments of `fit`; return a run, validation images and a checkpoint target."""
    check_dataset(train)
    by_image = None if weights is None else _as_weights(weights, train)
    if isinstance(model, Classifier) and model.preprocesses_arrays:  # before copies are looked for
        train = scaled_for(model, train)
    if validation is not None and not isinstance(validation, Dataset):
        train, validation, by_image = _split(train, validation, by_image, config.seed)
    _check(model, train, validation, config)
    net = network_of(model)
    train = scaled_for(model, train)
    if validation is not None:
        validation = scaled_for(model, validation)
    if isinstance(model, Classifier):
        model.forget_calibration()
        model.pixel_range = train.pixel_range
        if model.preprocessing is None:
            model.preprocessing = train.preprocessing
    if not net.is_fitted:
        net.fit_statistics(train.images)
    engine = engine_named(config.engine, net, config)
    run = TrainingRun(net, engine, config, train, by_image)
    if checkpoint is None:
        if resume:
            raise ConfigError("resume needs checkpoint=FOLDER, the folder of the checkpoints")
        return run, validation, None
    if not isinstance(checkpoint, CheckpointConfig):
        checkpoint = CheckpointConfig(checkpoint)
    fingerprint = run_fingerprint(config, engine, train, validation, by_image)
    return run, validation, _CheckpointTarget(checkpoint, fingerprint, resume)


@contextmanager
def _checkpointing(
    run: TrainingRun, target: _CheckpointTarget | None
) -> Iterator[CheckpointManager | None]:
    """Lock the checkpoint folder during the `with` block, and resume the run in it, if any."""
    if target is None:
        yield None
        return
    with CheckpointManager(target.config, target.fingerprint) as manager:
        loaded = manager.newest()
        if loaded is not None:
            if not target.resume:
                raise ConfigError(
                    f"{manager.folder} has the checkpoints of a run; resume it with resume=True, "
                    "or choose another folder"
                )
            _resume(run, loaded, target)
        yield manager


def _resume(run: TrainingRun, loaded: LoadedCheckpoint, target: _CheckpointTarget) -> None:
    """Check that a checkpoint belongs to this run, and continue from it."""
    was, now = loaded.about["run"], target.fingerprint
    folder = Path(target.config.folder)
    check_fingerprint(was, now, folder, run.train, allow_changes=target.config.allow_changes)
    state = loaded.state
    if was.get("optimizer") != now["optimizer"]:
        state = state._replace(lr_halvings=0)  # a new learning rate is used as given
    try:
        run.restore(state)
    except (ConfigError, ModelError) as error:
        raise type(error)(f"{loaded.path}: {error}") from None


def _split(
    train: Dataset, share: object, weights: Array | None, seed: int
) -> tuple[Dataset, Dataset | None, Array | None]:
    """Split off validation images; return the training images, validation images and image weights.

    `share` is the fraction of images to use for validation; if it is 0, the validation images are
    None.
    """
    if not isinstance(share, int | float | np.number):
        raise DataError(f"validation must be a Dataset, a fraction or None, not {share!r}")
    if not share:
        return train, None, weights
    if weights is not None:
        weights = weights[~train.validation_mask(float(share), seed)]
    return *train.split(float(share), seed), weights


def _as_weights(weights: ArrayLike, train: Dataset) -> Array:
    """Return the weights of the images, (N,) float32, after checking them."""
    try:
        array = np.asarray(weights, np.float32)
    except (TypeError, ValueError):
        array = np.zeros(0, np.float32)
    if array.shape != (len(train),) or not (np.isfinite(array) & (array >= 0)).all():
        raise DataError(
            f"weights must be {len(train)} finite numbers of at least 0, one per image of "
            f"{train.name}"
        )
    if not array.any():
        raise DataError(
            "weights are all 0, so no image is used; give at least one image a weight above 0"
        )
    return array


def _check(
    model: Network | Classifier, train: Dataset, validation: Dataset | None, config: TrainConfig
) -> None:
    """Raise a DataError if the images or the batch size do not fit the model."""
    if isinstance(model, Classifier) and train.classes != model.classes:
        change = ClassChange.between(model.classes, train.classes)
        raise DataError(
            f"{train.name} has other classes than the classifier, or another order; continue with "
            f"model = model.for_classes(train.classes), which {change}"
        )
    check_classes(model, train)
    train.check_trainable(config.batch_size)
    if isinstance(config.augment, Augmentation):
        grid_for(config.augment, train.shape[1:])
    if validation is not None:
        check_classes(model, validation)


def _each(*calls: Callable[[float], None] | None) -> Callable[[float], None] | None:
    """Return a function that calls all the given functions, or None if all of them are None."""
    given = [call for call in calls if call is not None]
    if not given:
        return None

    def all_calls(value: float) -> None:
        for call in given:
            call(value)

    return all_calls
