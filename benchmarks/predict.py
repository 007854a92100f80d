"""The prediction benchmark: the latency for one image, and the throughput for many images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from statistics import median

import numpy as np

from benchmarks.peers import Competitor, Predicts
from benchmarks.record import Better, Figures, Record
from benchmarks.rounds import interleave
from benchmarks.tasks import Task, Workload
from benchmarks.train import find_disagreements, workers

SINGLE = 1_000
MANY = 10_000
PART = 1_000  # images per call; larger calls exceed the caches and are slower for all


def measure(task: Task, competitors: Mapping[str, Competitor], rounds: int, threads: int) -> Record:
    """Predict in interleaved rounds, and return the record."""
    setup = {"network": task.network, "data": task.data, "threads": threads, "images": MANY}
    goals: dict[str, Better] = {"microseconds": "low", "images_per_second": "high"}
    record = Record("predict", task.label, setup, goals)
    with workers(competitors, task, record) as found:
        measurements = {name: partial(worker.call, one_round) for name, worker in found.items()}
        record.skipped |= interleave(measurements, record.series, rounds)
    record.problems = find_disagreements(record, "logits", 1e-3)
    return record


def one_round(peer: Predicts, _: Workload, __: int) -> Figures:
    """Predict single images, then large batches.

    Returns:
        The median latency of one image, the number of images per second, and the mean absolute
        value of the logits, which shows whether all competitors compute the same result.
    """
    images = np.ascontiguousarray(peer.images[:MANY])
    single = []
    for at in range(SINGLE):
        image = images[at : at + 1]
        started = time.perf_counter()
        peer.logits(image)
        single.append(time.perf_counter() - started)
    started = time.perf_counter()
    logits = np.concatenate([peer.logits(part) for part in np.split(images, MANY // PART)])
    rate = len(images) / (time.perf_counter() - started)
    return {
        "microseconds": median(single) * 1e6,
        "images_per_second": rate,
        "logits": float(np.abs(logits).mean()),
    }
