"""Experiment tracking as JSON lines and, on request, in TensorBoard and MLflow."""

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
    """Provide a function that logs the record of an epoch.

    After each epoch, its record is written to the run's ``history.jsonl``. If a run is resumed,
    each earlier epoch appears exactly once, even if it was written before the interruption.

    Args:
        folder: the folder of the run.
        settings: the settings of the run by name.
        records: the records of earlier epochs, if the run is resumed.
        tensorboard: whether to write events for TensorBoard into the folder.
        mlflow: whether to log to an MLflow store. The store is the one that MLFLOW_TRACKING_URI
            specifies, or else ``mlflow.db`` in the current folder.

    Raises:
        MissingExtraError: if a required package is missing.
        ConfigError: if the MLflow store cannot be used.
    """
    check_trackers(tensorboard=tensorboard, mlflow=mlflow)
    with ExitStack() as stack:
        tracks = [lines(folder / LINES, records)]
        if tensorboard:
            tracks.append(stack.enter_context(_tensorboard(folder, records)))
        if mlflow:
            tracks.append(stack.enter_context(_mlflow(folder, settings, records)))

        def track(record: Epoch) -> None:
            for one in tracks:
                one(record)

        yield track


def check_trackers(*, tensorboard: bool = False, mlflow: bool = False) -> None:
    """Raise a MissingExtraError if a requested tracker is not installed."""
    if tensorboard and find_spec("tensorboardX") is None:
        raise MissingExtraError(
            'tensorboardX is not installed; install it with pip install "handgrad[tensorboard]"'
        )
    if mlflow and (find_spec("mlflow") is None or find_spec("sqlalchemy") is None):
        raise MissingExtraError(
            'MLflow is not installed; install it with pip install "handgrad[mlflow]"'
        )


def lines(path: Path, records: Sequence[Epoch] = ()) -> Track:
    """Return a function that writes the record of an epoch as a line of JSON.

    A record replaces the records of the same epoch and of later epochs.

    Args:
        path: the file. At the start, `records` replaces the content of the file.
        records: the records of earlier epochs.
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
def _tensorboard(folder: Path, records: Sequence[Epoch]) -> Iterator[Track]:
    """Provide a function that writes an epoch as TensorBoard events to a new file.

    The file is created at the first epoch, so a run that is killed earlier leaves no file.
    """
    from tensorboardX import SummaryWriter

    before = [*folder.glob("events.out.tfevents.*")]
    with ExitStack() as opened:

        @cache
        def writer() -> Any:
            # A running TensorBoard discards what it has read, from the first epoch on.
            purge, suffix = 1 if before else None, f".{secrets.token_hex(4)}"
            made = SummaryWriter(str(folder), purge_step=purge, filename_suffix=suffix)
            return opened.enter_context(made)

        def track(record: Epoch) -> None:
            for name, value in values(record).items():
                writer().add_scalar(name, value, record.number)
            writer().flush()

        for record in records:
            track(record)
        for file in before:
            with suppress(OSError):
                file.unlink()
        yield track


@contextmanager
def _mlflow(folder: Path, settings: Mapping[str, Any], records: Sequence[Epoch]) -> Iterator[Track]:
    """Provide a function that logs an epoch to an MLflow run, which ends with the `with` block.

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
            f"the MLflow store {_without_secrets(where)} cannot be used ({_short(error)}); start "
            "its server, set MLFLOW_TRACKING_URI to another store, or omit --mlflow"
        ) from error
    status = "FINISHED"
    try:
        for record in records:
            store.log(record)
        yield store.log
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        status = "KILLED" if stopped else "FAILED"
        raise
    finally:
        store.end(status)


class _Mlflow:
    """A run in an MLflow store. If the store fails, training continues.

    Args:
        where: the address of the store.
        folder: the folder of the run.
        settings: the settings of the run by name.
    """

    def __init__(self, where: str, folder: Path, settings: Mapping[str, Any]) -> None:
        from mlflow.tracking import MlflowClient

        self._where, self._client = _without_secrets(where), MlflowClient(where)
        known = _existing_mlflow_run(self._client, folder)
        self._run = known or _new_mlflow_run(self._client, folder, settings)
        history = self._client.get_metric_history(self._run, "loss/training")
        self._logged = {point.step for point in history}
        self._waiting: list[tuple[Epoch, int]] = []
        self._is_available = True

    def log(self, record: Epoch) -> None:
        """Log an epoch now or, if the store fails, at the end of the run."""
        if record.number not in self._logged:
            self._waiting.append((record, int(time.time() * 1000)))
        if self._is_available:
            try:
                self._log_waiting()
            except Exception as error:
                self._is_available = False
                words = "handgrad: the MLflow store %s does not respond (%s); retrying at the end"
                _log.warning(words, self._where, _short(error))

    def end(self, status: str) -> None:
        """Log the remaining epochs and the status. Do nothing if the store and the run failed."""
        if not self._is_available and status != "FINISHED":
            return
        try:
            self._log_waiting()
            self._client.set_terminated(self._run, status)
        except Exception as error:
            words = (
                "handgrad: the MLflow store %s lacks some epochs (%s); the run's %s has them all"
            )
            _log.warning(words, self._where, _short(error), LINES)

    def _log_waiting(self) -> None:
        """Log all epochs that have not been logged yet."""
        from mlflow.entities import Metric

        while self._waiting:
            record, at = self._waiting[0]
            named = values(record).items()
            metrics = [Metric(key, x, at, record.number) for key, x in named]
            self._client.log_batch(self._run, metrics)
            del self._waiting[0]


def _short(error: Exception) -> str:
    """Return only the beginning of an error's message, because MLflow's messages are long."""
    words = _without_secrets(" ".join(str(error).split()))
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ..."


def _without_secrets(words: str) -> str:
    """Remove user names and passwords from the addresses in a string."""
    return re.sub(r"://[^/@\s]*@", "://", words)


def _existing_mlflow_run(client: Any, folder: Path) -> str | None:
    """Return the MLflow run that belongs to a folder, if the store contains it."""
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


def _new_mlflow_run(client: Any, folder: Path, settings: Mapping[str, Any]) -> str:
    """Create a run in an MLflow store, and save its id in the folder."""
    known = client.get_experiment_by_name("handgrad")
    experiment = known.experiment_id if known else client.create_experiment("handgrad")
    run = str(client.create_run(experiment, run_name=folder.name).info.run_id)
    for key, value in settings.items():
        client.log_param(run, key, value)
    with replacing(folder / MLFLOW) as temporary:
        temporary.write_text(json.dumps({"run": run}) + "\n", encoding="utf-8")
    return run


def values(record: Epoch) -> dict[str, float]:
    """Return the metrics of an epoch, with the grouped names used in TensorBoard and MLflow."""
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
