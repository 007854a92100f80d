"""The training benchmark: the same network, weights, batches and optimizer in every framework."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from benchmarks.peers import Competitor, Trains
from benchmarks.record import Figures, Record, Series
from benchmarks.rounds import interleave, log
from benchmarks.tasks import Task, Workload, flops_per_image
from benchmarks.worker import Skipped, Worker


def measure(
    kind: str, task: Task, competitors: Mapping[str, Competitor], rounds: int, threads: int
) -> Record:
    """Train in interleaved rounds, and return the record."""
    setup = {
        "network": task.network,
        "data": "standardized noise" if task.noise else task.data,
        "batch": task.batch,
        "optimizer": str(task.optimizer),
        "images": task.images,
        "threads": threads,
        "flops_per_image": flops_per_image(Workload(task).net),
    }
    record = Record(kind, task.label, setup, {"images_per_second": "high"})
    with workers(competitors, task, record) as found:
        measurements = {name: partial(worker.call, one_epoch) for name, worker in found.items()}
        record.skipped |= interleave(measurements, record.series, rounds)
    record.baseline = next(iter(record.of_role("limit")), None)
    record.problems = find_disagreements(record, "loss", task.tolerance) + find_not_learning(record)
    return record


def one_epoch(peer: Trains, work: Workload, number: int) -> Figures:
    """Train for one round, and return the time, the speed and the mean loss."""
    order = work.order(number)
    started = time.perf_counter()
    loss = peer.epoch(order)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "images_per_second": len(order) / seconds, "loss": loss}


@contextmanager
def workers(
    competitors: Mapping[str, Competitor], task: Task, record: Record
) -> Iterator[dict[str, Worker]]:
    """Start a process and a series for each competitor that can run; stop the processes at exit."""
    found: dict[str, Worker] = {}
    try:
        for name, competitor in competitors.items():
            try:
                found[name] = Worker(competitor, task)
            except Skipped as reason:
                record.skipped[name] = str(reason)
                log(f"{name} skipped: {reason}")
            else:
                record.series[name] = Series(competitor.title, competitor.role)
        yield found
    finally:
        for worker in found.values():
            worker.close()


def find_disagreements(record: Record, figure: str, tolerance: float) -> list[str]:
    """Return a message for each competitor whose `figure` is far from the median in a round.

    All competitors start with the same weights. If a competitor has a different loss, it computes
    something different, so its speed cannot be compared.
    """
    problems = []
    for number, figures in enumerate(zip(*map(_all_rounds, _compared(record)), strict=True)):
        middle = median(f[figure] for f in figures)
        for series, f in zip(_compared(record), figures, strict=True):
            if not abs(f[figure] - middle) <= tolerance * abs(middle):
                problems.append(
                    f"round {number}: {series.title} has a {figure} of {f[figure]:.4f}, "
                    f"but the median is {middle:.4f}"
                )
    return problems


def find_not_learning(record: Record) -> list[str]:
    """Return a message for each competitor whose loss did not fall over the rounds."""
    return [
        f"{series.title} does not learn: its loss changed from {first:.4f} to {last:.4f}"
        for series in _compared(record)
        for first, last in [(_all_rounds(series)[0]["loss"], series.rounds[-1]["loss"])]
        if not last < first
    ]


def _compared(record: Record) -> list[Series]:
    """Return all series except that of the matrix products, which have no loss."""
    return [s for s in record.series.values() if s.rounds and s.role != "limit"]


def _all_rounds(series: Series) -> list[dict[str, Any]]:
    """Return the figures of the warm-up round and of the measured rounds."""
    return [series.first, *series.rounds]
