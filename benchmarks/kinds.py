"""The kinds of benchmark: each turns what was asked for into records."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from benchmarks import checkpoint, peers, predict, recipes, scale, tasks, train
from benchmarks.cold import measure as cold
from benchmarks.cold.run import PROGRAMS
from benchmarks.record import Record

Named = TypeVar("Named")


class Kind(NamedTuple):
    """One kind of benchmark.

    Attributes:
        records: measures, and yields each record as soon as it is there.
        options: the options it has, beside those that all have and those that take names.
        help: what it measures.
        names: the options that take names, and from which.
    """

    records: Callable[[Namespace], Iterator[Record]]
    options: tuple[str, ...]
    help: str
    names: Mapping[str, Collection[str]] = MappingProxyType({})


def _train(asked: Namespace) -> Iterator[Record]:
    for task in chosen(tasks.TRAINING, asked.network).values():
        task = replace(task, images=asked.images or task.images, noise=asked.noise)
        who = chosen(peers.TRAINING, asked.only)
        yield train.measure("train", task, who, asked.rounds, asked.threads)


def _online(asked: Namespace) -> Iterator[Record]:
    task = replace(tasks.ONLINE, images=asked.images or tasks.ONLINE.images)
    who = chosen(peers.ONLINE, asked.only)
    yield train.measure("online", task, who, asked.rounds, asked.threads)


def _predict(asked: Namespace) -> Iterator[Record]:
    for task in chosen(tasks.TRAINING, asked.network).values():
        yield predict.measure(
            task, chosen(peers.PREDICTING, asked.only), asked.rounds, asked.threads
        )


def _start(asked: Namespace) -> Iterator[Record]:
    if not asked.network:
        yield cold.command(asked.rounds, asked.threads)
        yield cold.compilation(recipes.SHORT, asked.rounds, asked.threads)
    for network in chosen(recipes.SHORT, asked.network):
        yield cold.start(network, asked.only, asked.rounds, asked.threads)


def _memory(asked: Namespace) -> Iterator[Record]:
    for network in chosen(recipes.SHORT, asked.network or ["convnet"]):
        yield cold.memory(network, asked.only, asked.rounds, asked.threads)


def _scale(asked: Namespace) -> Iterator[Record]:
    for task in chosen(tasks.TRAINING, asked.network or ["online-mlp"]).values():
        yield scale.measure(task, asked.gigabytes, asked.rounds, asked.threads)


def _checkpoint(asked: Namespace) -> Iterator[Record]:
    for task in chosen(tasks.TRAINING, asked.network or ["convnet"]).values():
        whole = replace(task, images=checkpoint.IMAGES)
        yield checkpoint.measure(whole, asked.rounds, asked.threads)


def _accuracy(asked: Namespace) -> Iterator[Record]:
    for mark in chosen(recipes.MARKS, asked.mark):
        yield cold.accuracy(mark, asked.only, asked.seeds, asked.threads)


KINDS = {
    "train": Kind(
        _train,
        ("images", "noise", "rounds"),
        "training, in batches",
        {"network": tasks.TRAINING, "only": peers.TRAINING},
    ),
    "online": Kind(
        _online,
        ("images", "rounds"),
        "training on one image at a time",
        {"only": peers.ONLINE},
    ),
    "predict": Kind(
        _predict,
        ("rounds",),
        "one image's latency, and the rate of many",
        {"network": tasks.TRAINING, "only": peers.PREDICTING},
    ),
    "start": Kind(
        _start,
        ("rounds",),
        "a first use, and the next, from a cold process",
        {"network": recipes.SHORT, "only": PROGRAMS},
    ),
    "memory": Kind(
        _memory,
        ("rounds",),
        "the peak of the resident memory",
        {"network": recipes.SHORT, "only": PROGRAMS},
    ),
    "scale": Kind(
        _scale,
        ("gigabytes", "rounds"),
        "few images, many, and a file of them",
        {"network": tasks.TRAINING},
    ),
    "checkpoint": Kind(
        _checkpoint, ("rounds",), "what checkpoints cost a training", {"network": tasks.TRAINING}
    ),
    "accuracy": Kind(
        _accuracy,
        ("seeds",),
        "the time to an accuracy, from a cold process",
        {"mark": recipes.MARKS, "only": PROGRAMS},
    ),
}


def chosen(everything: Mapping[str, Named], names: list[str]) -> dict[str, Named]:
    """Return what has one of the names, in their order; everything where there are none.

    Raises:
        SystemExit: where a name is unknown.
    """
    for name in names:
        if name not in everything:
            raise SystemExit(f"there is no {name!r}; choose from {', '.join(everything)}")
    return {name: everything[name] for name in names or everything}
