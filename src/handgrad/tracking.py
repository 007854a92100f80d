"""What a run tells while it goes on: lines in a file, and to TensorBoard and MLflow if wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handgrad.errors import MissingExtraError
from handgrad.files import replacing
from handgrad.training import Epoch

LINES = "history.jsonl"
STORE = "sqlite:///mlflow.db"

Track = Callable[[Epoch], None]


@contextmanager
def tracking(
    folder: Path,
    settings: Mapping[str, Any],
    *,
    tensorboard: bool = False,
    mlflow: bool = False,
) -> Iterator[Track]:
    """Give what is to be called with each epoch.

    Each epoch is a line of JSON in the run's ``history.jsonl`` as soon as it is over.

    Args:
        folder: the run's.
        settings: the run's, by name.
        tensorboard: whether to write events for TensorBoard into the folder.
        mlflow: whether to tell an MLflow store: that which MLFLOW_TRACKING_URI names, else
            ``mlflow.db`` in the current folder.

    Raises:
        MissingExtraError: if a package is missing.
    """
    with ExitStack() as open_ones:
        tracks = [lines(folder / LINES)]
        if tensorboard:
            tracks.append(open_ones.enter_context(_to_tensorboard(folder)))
        if mlflow:
            tracks.append(open_ones.enter_context(_to_mlflow(folder.name, settings)))

        def track(record: Epoch) -> None:
            for one in tracks:
                one(record)

        yield track


def lines(path: Path) -> Track:
    """Return what writes an epoch as a line of JSON; it takes the place of what came after it."""

    def track(record: Epoch) -> None:
        before = []
        if path.exists():
            before = path.read_text("utf-8").splitlines()[: record.number - 1]
        with replacing(path) as temporary:
            text = "\n".join([*before, json.dumps(record._asdict())]) + "\n"
            temporary.write_text(text, encoding="utf-8")

    return track


@contextmanager
def _to_tensorboard(folder: Path) -> Iterator[Track]:
    """Give what writes an epoch as TensorBoard's events."""
    if find_spec("tensorboardX") is None:
        raise MissingExtraError(
            'tensorboardX is not installed; install it with pip install "handgrad[tensorboard]"'
        )
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def track(record: Epoch) -> None:
            for name, value in numbers(record).items():
                writer.add_scalar(name, value, record.number)
            writer.flush()

        yield track


@contextmanager
def _to_mlflow(name: str, settings: Mapping[str, Any]) -> Iterator[Track]:
    """Give what tells an MLflow store of an epoch; the run there ends as the block does."""
    if find_spec("mlflow") is None or find_spec("sqlalchemy") is None:
        raise MissingExtraError(
            'MLflow is not installed; install it with pip install "handgrad[mlflow]"'
        )
    from mlflow.tracking import MlflowClient

    client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or STORE)
    known = client.get_experiment_by_name("handgrad")
    experiment = known.experiment_id if known else client.create_experiment("handgrad")
    run = client.create_run(experiment, run_name=name).info.run_id
    for key, value in settings.items():
        client.log_param(run, key, value)

    def track(record: Epoch) -> None:
        for key, value in numbers(record).items():
            client.log_metric(run, key, value, step=record.number)

    try:
        yield track
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        client.set_terminated(run, "KILLED" if stopped else "FAILED")
        raise
    client.set_terminated(run, "FINISHED")


def numbers(record: Epoch) -> dict[str, float]:
    """Return the numbers of an epoch by name, as trackers group them."""
    named = {
        "loss/training": record.loss,
        "loss/validation": record.validation_loss,
        "accuracy/training": record.accuracy,
        "accuracy/validation": record.validation_accuracy,
        "rate": record.rate,
        "seconds": record.seconds,
        "pictures_per_second": record.pictures_per_second,
    }
    return {name: value for name, value in named.items() if value is not None}
