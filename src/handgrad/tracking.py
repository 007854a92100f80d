"""What a run tells while it goes on: lines in a file, and to TensorBoard and MLflow if wanted."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handgrad.errors import ConfigError, MissingExtraError
from handgrad.files import check_is_file, replacing
from handgrad.train import Epoch

LINES = "history.jsonl"
MLFLOW = "mlflow.json"
STORE = "sqlite:///mlflow.db"

# How long MLflow tries to reach a server: minutes, unless it is told otherwise.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}

_LONGEST = 120  # characters of an error's words

Track = Callable[[Epoch], None]

_log = logging.getLogger("handgrad")


@contextmanager
def tracking(
    folder: Path,
    settings: Mapping[str, Any],
    records: Sequence[Epoch] = (),
    *,
    tensorboard: bool = False,
    mlflow: bool = False,
) -> Iterator[Track]:
    """Give what is to be called with each epoch.

    Each epoch is a line of JSON in the run's ``history.jsonl`` as soon as it is over. Where a run
    goes on, each has the epochs of before once, whatever was written when it was stopped.

    Args:
        folder: the run's.
        settings: the run's, by name.
        records: those that the run has when it goes on.
        tensorboard: whether to write events for TensorBoard into the folder.
        mlflow: whether to tell an MLflow store: that which MLFLOW_TRACKING_URI names, else
            ``mlflow.db`` in the current folder.

    Raises:
        MissingExtraError: if a package is missing.
        ConfigError: if MLflow's store cannot be used.
    """
    check_trackers(tensorboard=tensorboard, mlflow=mlflow)
    with ExitStack() as open_ones:
        tracks = [lines(folder / LINES, records)]
        if tensorboard:
            tracks.append(open_ones.enter_context(_to_tensorboard(folder, records)))
        if mlflow:
            tracks.append(open_ones.enter_context(_to_mlflow(folder, settings, records)))

        def track(record: Epoch) -> None:
            for one in tracks:
                one(record)

        yield track


def check_trackers(*, tensorboard: bool = False, mlflow: bool = False) -> None:
    """Raise a MissingExtraError if what is to be told of a run is not installed."""
    if tensorboard and find_spec("tensorboardX") is None:
        raise MissingExtraError(
            'tensorboardX is not installed; install it with pip install "handgrad[tensorboard]"'
        )
    if mlflow and (find_spec("mlflow") is None or find_spec("sqlalchemy") is None):
        raise MissingExtraError(
            'MLflow is not installed; install it with pip install "handgrad[mlflow]"'
        )


def lines(path: Path, records: Sequence[Epoch] = ()) -> Track:
    """Return what writes an epoch as a line of JSON; it takes the place of what came after it.

    Args:
        path: the file. What it holds gives way to `records`.
        records: those of the epochs before.
    """
    known = [*records]

    def write() -> None:
        with replacing(path) as temporary:
            text = "".join(json.dumps(record._asdict()) + "\n" for record in known)
            temporary.write_text(text, encoding="utf-8")

    def track(record: Epoch) -> None:
        known[record.number - 1 :] = [record]
        write()

    if known or path.exists():
        write()
    return track


@contextmanager
def _to_tensorboard(folder: Path, records: Sequence[Epoch]) -> Iterator[Track]:
    """Give what writes an epoch as TensorBoard's events, into one new file with those before.

    There is none before the first: a run that is killed without a checkpoint leaves nothing.
    """
    from tensorboardX import SummaryWriter

    before = [*folder.glob("events.out.tfevents.*")]
    with ExitStack() as opened:

        @cache
        def writer() -> Any:
            # A TensorBoard that looks on forgets what it has read, from the first epoch on.
            purge, suffix = 1 if before else None, f".{secrets.token_hex(4)}"
            made = SummaryWriter(str(folder), purge_step=purge, filename_suffix=suffix)
            return opened.enter_context(made)

        def track(record: Epoch) -> None:
            for name, value in numbers(record).items():
                writer().add_scalar(name, value, record.number)
            writer().flush()

        for record in records:
            track(record)
        for file in before:
            with suppress(OSError):
                file.unlink()
        yield track


@contextmanager
def _to_mlflow(
    folder: Path, settings: Mapping[str, Any], records: Sequence[Epoch]
) -> Iterator[Track]:
    """Give what tells an MLflow store of an epoch; the run there ends as the block does.

    Raises:
        ConfigError: if the store cannot be used.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    where = os.environ.get("MLFLOW_TRACKING_URI") or STORE
    try:
        store = _Mlflow(where, folder, settings)
    except Exception as error:  # there are as many kinds as there are stores
        raise ConfigError(
            f"MLflow's store {_without_secrets(where)} cannot be used ({_short(error)}); start its "
            "server, let MLFLOW_TRACKING_URI name another, or leave --mlflow out"
        ) from error
    status = "FINISHED"
    try:
        for record in records:
            store.tell(record)
        yield store.tell
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        status = "KILLED" if stopped else "FAILED"
        raise
    finally:
        store.end(status)


class _Mlflow:
    """A run in an MLflow store; where the store is gone, training goes on.

    Args:
        where: the store.
        folder: the run's.
        settings: the run's, by name.
    """

    def __init__(self, where: str, folder: Path, settings: Mapping[str, Any]) -> None:
        from mlflow.tracking import MlflowClient

        self._where, self._client = _without_secrets(where), MlflowClient(where)
        known = _known_to_mlflow(self._client, folder)
        self._run = known or _new_in_mlflow(self._client, folder, settings)
        history = self._client.get_metric_history(self._run, "loss/training")
        self._told = {point.step for point in history}
        self._waiting: list[tuple[Epoch, int]] = []
        self._answers = True

    def tell(self, record: Epoch) -> None:
        """Tell it of an epoch, now or at the end."""
        if record.number not in self._told:
            self._waiting.append((record, int(time.time() * 1000)))
        if self._answers:
            try:
                self._tell_all()
            except Exception as error:
                self._answers = False
                words = "handgrad: MLflow's store %s does not answer (%s); it is told at the end"
                _log.warning(words, self._where, _short(error))

    def end(self, status: str) -> None:
        """Tell it what it does not know yet, and how the run ended; not if that would take long."""
        if not self._answers and status != "FINISHED":
            return
        try:
            self._tell_all()
            self._client.set_terminated(self._run, status)
        except Exception as error:
            words = "handgrad: MLflow's store %s was not told all (%s); %s of the run has all"
            _log.warning(words, self._where, _short(error), LINES)

    def _tell_all(self) -> None:
        """Tell it of all epochs that wait."""
        from mlflow.entities import Metric

        while self._waiting:
            record, at = self._waiting[0]
            named = numbers(record).items()
            metrics = [Metric(key, x, at, record.number) for key, x in named]
            self._client.log_batch(self._run, metrics)
            del self._waiting[0]


def _short(error: Exception) -> str:
    """Return the beginning of what an error says: MLflow's go on and on."""
    words = _without_secrets(" ".join(str(error).split()))
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ..."


def _without_secrets(words: str) -> str:
    """Return words without the names and passwords that an address may hold."""
    return re.sub(r"://[^/@\s]*@", "://", words)


def _known_to_mlflow(client: Any, folder: Path) -> str | None:
    """Return the run that an MLflow store has of a folder already; None: it has none."""
    from mlflow.exceptions import MlflowException

    try:
        check_is_file(folder / MLFLOW)
        run = str(json.loads((folder / MLFLOW).read_text("utf-8"))["run"])
        client.update_run(run, status="RUNNING")
    except (OSError, LookupError, TypeError, ValueError):
        return None
    except MlflowException as error:
        if error.error_code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):  # it may have it
            raise
        return None
    return run


def _new_in_mlflow(client: Any, folder: Path, settings: Mapping[str, Any]) -> str:
    """Return a new run in an MLflow store, which the folder remembers."""
    known = client.get_experiment_by_name("handgrad")
    experiment = known.experiment_id if known else client.create_experiment("handgrad")
    run = str(client.create_run(experiment, run_name=folder.name).info.run_id)
    for key, value in settings.items():
        client.log_param(run, key, value)
    with replacing(folder / MLFLOW) as temporary:
        temporary.write_text(json.dumps({"run": run}) + "\n", encoding="utf-8")
    return run


def numbers(record: Epoch) -> dict[str, float]:
    """Return the numbers of an epoch by name, as trackers group them."""
    named = {
        "loss/training": record.loss,
        "loss/validation": record.validation_loss,
        "accuracy/training": record.accuracy,
        "accuracy/validation": record.validation_accuracy,
        "lr": record.lr,
        "seconds": record.seconds,
        "images_per_second": record.images_per_second,
    }
    return {name: value for name, value in named.items() if value is not None}
