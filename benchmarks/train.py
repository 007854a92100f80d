"""Training: the same network, weights, batches and optimizer in every framework."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from benchmarks.peers import Contestant, Trains
from benchmarks.record import Figures, Record, Series
from benchmarks.rounds import interleave, tell
from benchmarks.tasks import Task, Work, flops_per_image
from benchmarks.worker import Skipped, Worker


def measure(
    kind: str, task: Task, contestants: Mapping[str, Contestant], rounds: int, threads: int
) -> Record:
    """Train in turns, and return the record."""
    subject = {
        "network": task.network,
        "data": "standardized noise" if task.noise else task.data,
        "batch": task.batch,
        "optimizer": str(task.optimizer),
        "images": task.images,
        "threads": threads,
        "flops_per_image": flops_per_image(Work(task).net),
    }
    record = Record(kind, task.label, subject, {"images_per_second": "high"})
    with workers(contestants, task, record) as found:
        plays = {name: partial(worker.ask, one_epoch) for name, worker in found.items()}
        record.skipped |= interleave(plays, record.series, rounds)
    record.yardstick = next(iter(record.of_role("limit")), None)
    record.troubles = disagreements(record, "loss", task.tolerance) + not_learning(record)
    return record


def one_epoch(peer: Trains, work: Work, number: int) -> Figures:
    """Train for one round, and return how long it took."""
    order = work.order(number)
    started = time.perf_counter()
    loss = peer.epoch(order)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "images_per_second": len(order) / seconds, "loss": loss}


@contextmanager
def workers(
    contestants: Mapping[str, Contestant], task: Task, record: Record
) -> Iterator[dict[str, Worker]]:
    """Start everybody who can take part, give them a series each, and end them afterwards."""
    found: dict[str, Worker] = {}
    try:
        for name, contestant in contestants.items():
            try:
                found[name] = Worker(contestant, task)
            except Skipped as reason:
                record.skipped[name] = str(reason)
                tell(f"{name} skipped: {reason}")
            else:
                record.series[name] = Series(contestant.title, contestant.role)
        yield found
    finally:
        for worker in found.values():
            worker.close()


def disagreements(record: Record, figure: str, tolerance: float) -> list[str]:
    """Return where a contestant's figure is not that of the others, round by round.

    In the first round all start from the same weights; a difference there is an error in how a
    contestant was written, and its speed says nothing.
    """
    troubles = []
    for number, figures in enumerate(zip(*map(_all_rounds, _compared(record)), strict=True)):
        usual = median(f[figure] for f in figures)
        for series, f in zip(_compared(record), figures, strict=True):
            if not abs(f[figure] - usual) <= tolerance * abs(usual):
                troubles.append(
                    f"round {number}: {series.title} has a {figure} of {f[figure]:.4f}, "
                    f"the others {usual:.4f}"
                )
    return troubles


def not_learning(record: Record) -> list[str]:
    """Return whose training loss has not fallen from the first round to the last."""
    return [
        f"{series.title} is not learning: its loss went from {first:.4f} to {last:.4f}"
        for series in _compared(record)
        for first, last in [(_all_rounds(series)[0]["loss"], series.rounds[-1]["loss"])]
        if not last < first
    ]


def _compared(record: Record) -> list[Series]:
    """Return everybody's series, but not the limit's, which computes nothing."""
    return [s for s in record.series.values() if s.rounds and s.role != "limit"]


def _all_rounds(series: Series) -> list[dict[str, Any]]:
    """Return the first round and those that count."""
    return [series.first, *series.rounds]
