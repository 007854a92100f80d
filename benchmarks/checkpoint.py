"""The checkpoint benchmark, which measures how much training time checkpoints cost."""

from __future__ import annotations

import tempfile
import time
from functools import partial

import handgrad as hg
from benchmarks.peers import Competitor
from benchmarks.record import Figures, Record
from benchmarks.rounds import interleave, log
from benchmarks.tasks import Task, Workload
from benchmarks.train import workers

# A checkpoint is written per epoch, so an epoch must have a realistic length: all of MNIST.
IMAGES = 60_000
EPOCHS = 3  # in a round; a checkpoint is written before the first and after each
CASES = {
    "without": Competitor("without checkpoints", "case", "benchmarks.checkpoint:Training", ("",)),
    "with": Competitor("with checkpoints", "case", "benchmarks.checkpoint:Training", ("yes",)),
}


def measure(task: Task, rounds: int, threads: int) -> Record:
    """Train with and without checkpoints in interleaved rounds, and return the record."""
    setup = {
        "network": task.network,
        "data": task.data,
        "batch": task.batch,
        "epochs": EPOCHS,
        "images": task.images,
        "threads": threads,
    }
    record = Record("checkpoint", task.label, setup, {"images_per_second": "high"})
    with workers(CASES, task, record) as found:
        measurements = {name: partial(worker.call, one_round) for name, worker in found.items()}
        record.skipped |= interleave(measurements, record.series, rounds)
    if len(record.of_role("case")) == len(CASES):
        record.baseline = "without"
        setup["cost"] = 1 - record.times_better("images_per_second", "with", "without")
        log(f"checkpoints cost {setup['cost']:.2%} of the time (median over the rounds)")
    return record


class Training:
    """Trains a new network with `hg.fit`, with or without the default checkpoints."""

    def __init__(self, work: Workload, checkpoints: str) -> None:
        self.work, self.checkpoints = work, bool(checkpoints)
        self.data = hg.Dataset(work.images, work.labels, range(work.net.classes))

    def train(self) -> float:
        """Train, write any checkpoints to the folder TMPDIR, and return the time in seconds."""
        task = self.work.task
        net = hg.Network(hg.models.named(task.network), self.data.shape, len(self.data.classes))
        net.restore(self.work.net.arrays, is_fitted=True)
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            hg.fit(
                net,
                self.data,
                validation=None,
                epochs=EPOCHS,
                batch_size=task.batch,
                optimizer=task.optimizer,
                patience=None,
                checkpoint=folder if self.checkpoints else None,
            )
            return time.perf_counter() - started


def one_round(case: Training, _: Workload, __: int) -> Figures:
    """Train for one round, and return the time and the speed."""
    seconds = case.train()
    return {"seconds": seconds, "images_per_second": EPOCHS * len(case.data) / seconds}
