"""Checkpoints: what the usual ones cost a training."""

from __future__ import annotations

import tempfile
import time
from functools import partial

import handgrad as hg
from benchmarks.peers import Contestant
from benchmarks.record import Figures, Record
from benchmarks.rounds import interleave, tell
from benchmarks.tasks import Task, Work
from benchmarks.train import workers

# A checkpoint belongs to an epoch, so that an epoch has to be as long as a user's: all of MNIST.
IMAGES = 60_000
EPOCHS = 3  # a round; there is a checkpoint before them and after each
CASES = {
    "without": Contestant("without checkpoints", "case", "benchmarks.checkpoint:Training", ("",)),
    "with": Contestant("with checkpoints", "case", "benchmarks.checkpoint:Training", ("kept",)),
}


def measure(task: Task, rounds: int, threads: int) -> Record:
    """Train with and without checkpoints in turns, and return the record."""
    subject = {
        "network": task.network,
        "data": task.data,
        "batch": task.batch,
        "epochs": EPOCHS,
        "images": task.images,
        "threads": threads,
    }
    record = Record("checkpoint", task.label, subject, {"images_per_second": "high"})
    with workers(CASES, task, record) as found:
        plays = {name: partial(worker.ask, one_round) for name, worker in found.items()}
        record.skipped |= interleave(plays, record.series, rounds)
    if len(record.of_role("case")) == len(CASES):
        record.yardstick = "without"
        subject["cost"] = 1 - record.times_better("images_per_second", "with", "without")
        tell(f"checkpoints cost {subject['cost']:.2%} of the time, the median over the rounds")
    return record


class Training:
    """A fresh network trained as a user does it, with the usual checkpoints if wanted."""

    def __init__(self, work: Work, kept: str) -> None:
        self.work, self.kept = work, bool(kept)
        self.data = hg.Dataset(work.images, work.labels, range(work.net.classes))

    def train(self) -> float:
        """Train, and return the seconds; checkpoints lie in the folder that TMPDIR names."""
        task = self.work.task
        net = hg.Network(hg.models.named(task.network), self.data.shape, len(self.data.classes))
        net.restore(self.work.net.arrays, is_fitted=True)
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            hg.fit(
                *(net, self.data, None),
                epochs=EPOCHS,
                batch_size=task.batch,
                optimizer=task.optimizer,
                patience=None,
                checkpoint=folder if self.kept else None,
            )
            return time.perf_counter() - started


def one_round(case: Training, _: Work, __: int) -> Figures:
    """Train for a round, and return how fast it was."""
    seconds = case.train()
    return {"seconds": seconds, "images_per_second": EPOCHS * len(case.data) / seconds}
