"""The kinds of benchmark, each of which turns command-line arguments into records."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from benchmarks import (
    ablation,
    checkpoint,
    configs,
    page,
    page_in_browser,
    peers,
    predict,
    scale,
    tasks,
    train,
)
from benchmarks.cold import measure as cold
from benchmarks.cold.run import PROGRAMS
from benchmarks.record import Record
from benchmarks.rounds import log

Named = TypeVar("Named")


class Kind(NamedTuple):
    """One kind of benchmark.

    Attributes:
        records: a function that runs the benchmark and yields each record when it is complete.
        options: the command-line options of this kind, except those in `names`.
        help: a short description of the measured quantity.
        names: the valid names for each option that takes names, such as "network".
    """

    records: Callable[[Namespace], Iterator[Record]]
    options: tuple[str, ...]
    help: str
    names: Mapping[str, Collection[str]] = MappingProxyType({})


def _train(arguments: Namespace) -> Iterator[Record]:
    for task in select(tasks.TRAINING, arguments.network).values():
        task = replace(task, images=arguments.images or task.images, noise=arguments.noise)
        competitors = select(peers.TRAINING, arguments.only)
        yield train.measure("train", task, competitors, arguments.rounds, arguments.threads)


def _online(arguments: Namespace) -> Iterator[Record]:
    task = replace(tasks.ONLINE, images=arguments.images or tasks.ONLINE.images)
    competitors = select(peers.ONLINE, arguments.only)
    yield train.measure("online", task, competitors, arguments.rounds, arguments.threads)


def _predict(arguments: Namespace) -> Iterator[Record]:
    for task in select(tasks.TRAINING, arguments.network).values():
        competitors = select(peers.PREDICTING, arguments.only)
        yield predict.measure(task, competitors, arguments.rounds, arguments.threads)


def _start(arguments: Namespace) -> Iterator[Record]:
    if not arguments.network:
        yield cold.command(arguments.rounds, arguments.threads)
        yield cold.compilation(configs.SHORT, arguments.rounds, arguments.threads)
    for network in select(configs.SHORT, arguments.network):
        yield cold.start(network, arguments.only, arguments.rounds, arguments.threads)


def _memory(arguments: Namespace) -> Iterator[Record]:
    for network in select(configs.SHORT, arguments.network or ["convnet"]):
        yield cold.memory(network, arguments.only, arguments.rounds, arguments.threads)


def _scale(arguments: Namespace) -> Iterator[Record]:
    for task in select(tasks.TRAINING, arguments.network or ["online-mlp"]).values():
        yield scale.measure(task, arguments.gigabytes, arguments.rounds, arguments.threads)


def _checkpoint(arguments: Namespace) -> Iterator[Record]:
    for task in select(tasks.TRAINING, arguments.network or ["convnet"]).values():
        task = replace(task, images=checkpoint.IMAGES)
        yield checkpoint.measure(task, arguments.rounds, arguments.threads)


def _page(arguments: Namespace) -> Iterator[Record]:
    yield page.training(arguments.rounds, arguments.threads)
    yield page.polls()
    yield from page_in_browser.measure(arguments.rounds)


def _accuracy(arguments: Namespace) -> Iterator[Record]:
    for target in select(configs.TARGETS, arguments.target):
        yield cold.accuracy(target, arguments.only, arguments.seeds, arguments.threads)


def _ablation(arguments: Namespace) -> Iterator[Record]:
    rows = [*select(ablation.rows(), arguments.row).values()]
    records = []
    for record in ablation.measure(
        rows, arguments.only, arguments.rounds, arguments.threads, arguments.images
    ):
        records.append(record)
        yield record
    print(ablation.gains(records), flush=True)
    log(f"wrote {ablation.write(records, arguments.out)}")


KINDS = {
    "train": Kind(
        _train,
        ("images", "noise", "rounds"),
        "the speed of training in batches",
        {"network": tasks.TRAINING, "only": peers.TRAINING},
    ),
    "online": Kind(
        _online,
        ("images", "rounds"),
        "the speed of training with batches of one image",
        {"only": peers.ONLINE},
    ),
    "predict": Kind(
        _predict,
        ("rounds",),
        "the latency for one image and the throughput for many images",
        {"network": tasks.TRAINING, "only": peers.PREDICTING},
    ),
    "start": Kind(
        _start,
        ("rounds",),
        "the duration of the first and the second run of a program",
        {"network": configs.SHORT, "only": PROGRAMS},
    ),
    "memory": Kind(
        _memory,
        ("rounds",),
        "the peak resident memory of a program",
        {"network": configs.SHORT, "only": PROGRAMS},
    ),
    "scale": Kind(
        _scale,
        ("gigabytes", "rounds"),
        "the training speed for small and large data sets and for a memory-mapped file",
        {"network": tasks.TRAINING},
    ),
    "checkpoint": Kind(
        _checkpoint,
        ("rounds",),
        "how much training time checkpoints cost",
        {"network": tasks.TRAINING},
    ),
    "page": Kind(
        _page,
        ("rounds",),
        "what the page costs the training, what polls leave behind, and how soon the page answers",
    ),
    "accuracy": Kind(
        _accuracy,
        ("seeds",),
        "the time that a program takes to reach a target accuracy",
        {"target": configs.TARGETS, "only": PROGRAMS},
    ),
    "ablation": Kind(
        _ablation,
        ("images", "rounds"),
        "the gain of each mechanism of the compiled engine",
        {"row": ablation.rows(), "only": ablation.MECHANISMS},
    ),
}


def select(everything: Mapping[str, Named], names: list[str]) -> dict[str, Named]:
    """Return the entries with the given names, in this order, or all entries if `names` is empty.

    Raises:
        SystemExit: if a name is unknown.
    """
    for name in names:
        if name not in everything:
            raise SystemExit(f"unknown name {name!r}; choose from {', '.join(everything)}")
    return {name: everything[name] for name in names or everything}
