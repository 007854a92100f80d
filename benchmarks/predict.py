"""Prediction: how long one image takes, and how many go through in a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from statistics import median

import numpy as np

from benchmarks.peers import Contestant, Predicts
from benchmarks.record import Better, Figures, Record
from benchmarks.rounds import interleave
from benchmarks.tasks import Task, Work
from benchmarks.train import disagreements, workers

SINGLE = 1_000
MANY = 10_000
PART = 1_000  # at once; with all at once every contestant is slower, for caches are small


def measure(task: Task, contestants: Mapping[str, Contestant], rounds: int, threads: int) -> Record:
    """Predict in turns, and return the record."""
    subject = {"network": task.network, "data": task.data, "threads": threads, "images": MANY}
    goals: dict[str, Better] = {"microseconds": "low", "images_per_second": "high"}
    record = Record("predict", task.label, subject, goals)
    with workers(contestants, task, record) as found:
        plays = {name: partial(worker.ask, one_round) for name, worker in found.items()}
        record.skipped |= interleave(plays, record.series, rounds)
    record.troubles = disagreements(record, "logits", 1e-3)
    return record


def one_round(peer: Predicts, _: Work, __: int) -> Figures:
    """Predict images alone, then many at once.

    Returns:
        The median time for one image, the rate for many, and the mean of the logits'
        absolute values, which tells whether all compute the same.
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
    lr = len(images) / (time.perf_counter() - started)
    return {
        "microseconds": median(single) * 1e6,
        "images_per_second": lr,
        "logits": float(np.abs(logits).mean()),
    }
