"""Run jobs one after another, and store each result as soon as it is available."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Protocol

from handgrad.data import Dataset
from handgrad.errors import MissingExtraError
from handgrad.reproduce.experiment import RunContext, RunResult
from handgrad.reproduce.store import Job, ResultStore

Data = dict[str, tuple[Dataset, Dataset]]


class ProgressListener(Protocol):
    """Receives the progress of the jobs."""

    def start(self, job: Job) -> None:
        """Called when a job starts."""
        ...

    def advance(self, done: float) -> None:
        """Called with the completed fraction of the job, 0 to 1."""
        ...

    def finish(self, job: Job, result: RunResult | None, reason: str) -> None:
        """Called when a job ends, with its result, or with None and the reason for skipping it."""
        ...


def digests(data: Data) -> dict[str, str]:
    """Return the SHA-256 digests of each data set's training and test images."""
    return {name: f"{train.digest()} {test.digest()}" for name, (train, test) in data.items()}


def pending(work: Iterable[Job], store: ResultStore) -> list[Job]:
    """Return the jobs that do not have a result yet."""
    return [job for job in work if store.get(job) is None]


def run(work: Sequence[Job], store: ResultStore, data: Data, listener: ProgressListener) -> None:
    """Run jobs and store their results.

    Jobs that need a package that is not installed are skipped, and the listener gets the reason.

    Raises:
        HandgradError: if training or writing a file fails.
    """
    for job in work:
        listener.start(job)
        checkpoint = store.checkpoint(job)
        context = RunContext(*data[job.data], job.seed, store.engine, listener.advance, checkpoint)
        try:
            result = job.variant.run(context)
        except MissingExtraError as error:
            listener.finish(job, None, str(error))
            continue
        store.put(job, result)
        shutil.rmtree(checkpoint, ignore_errors=True)
        listener.finish(job, result, "")
