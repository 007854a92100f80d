"""Start, memory and time to accuracy: what whole programs take, each started cold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cold.run import COMPILING, PROGRAMS, Program, timed
from benchmarks.recipes import MARKS, SHORT, Recipe
from benchmarks.record import Figures, Record, Series
from benchmarks.rounds import Play, interleave

COMMAND = "train digits"


def start(network: str, only: Sequence[str], rounds: int, threads: int) -> Record:
    """Measure a first use, with nothing compiled yet, and the next one."""
    recipe = SHORT[network]
    subject = {"network": network, "threads": threads, "recipe": recipe}
    record = Record("start", network, subject, {"first wall": "low", "wall": "low"})
    return _played(record, only, rounds, lambda p: partial(first_and_next, p, recipe))


def command(rounds: int, threads: int) -> Record:
    """Measure ``handgrad train digits``: its first use ever, and the next one."""
    subject = {"command": f"handgrad {COMMAND}", "threads": threads}
    record = Record("start", "command", subject, {"first wall": "low", "wall": "low"})
    record.series["handgrad"] = Series(f"`handgrad {COMMAND}`", "ours")
    record.skipped = interleave({"handgrad": command_twice}, record.series, rounds, warm_up=False)
    return record


def compilation(networks: Mapping[str, Recipe], rounds: int, threads: int) -> Record:
    """Measure how long each network's kernels are compiled where none is at hand."""
    record = Record("start", "compilation", {"threads": threads}, {"compile": "low"})
    record.series = {name: Series(name, "case") for name in networks}
    plays = {name: partial(compiled_anew, recipe) for name, recipe in networks.items()}
    record.skipped = interleave(plays, record.series, rounds, warm_up=False)
    return record


def memory(network: str, only: Sequence[str], rounds: int, threads: int) -> Record:
    """Measure the peak of the resident memory."""
    recipe = SHORT[network]
    subject = {"network": network, "threads": threads, "recipe": recipe}
    record = Record("memory", network, subject, {"peak MiB": "low"})
    return _played(
        record, only, rounds, lambda p: lambda number: p.run(recipe, seed=number), warm_up=True
    )


def accuracy(mark: str, only: Sequence[str], seeds: int, threads: int) -> Record:
    """Measure the time from the command to a network that reaches the mark, seed by seed."""
    wanted: Any = MARKS[mark]
    subject = {"mark": wanted["accuracy"], "threads": threads, "recipes": wanted}
    record = Record("accuracy", mark, subject, {"wall": "low"})
    _played(
        record,
        only or ("compiled", "pytorch", "pytorch-bytes"),
        seeds,
        lambda p: lambda number: p.run(wanted[p.framework], seed=number),
        warm_up=True,
    )
    record.troubles = [
        f"seed {seed}: {series.title} reached {figures['accuracy']:.2%}, "
        f"short of {wanted['accuracy']:.2%}"
        for series in record.series.values()
        for seed, figures in enumerate(series.rounds, start=1)
        if figures["accuracy"] < wanted["accuracy"]
    ]
    return record


def first_and_next(program: Program, recipe: Any, number: int) -> Figures:
    """Run a program twice with caches of its own, empty at first."""
    with TemporaryDirectory() as folder:
        first = program.run(recipe, number, Path(folder))
        return {"first wall": first["wall"], **program.run(recipe, number, Path(folder))}


def compiled_anew(recipe: Recipe, number: int) -> Figures:
    """Compile a network's kernels into a cache of its own."""
    with TemporaryDirectory() as folder:
        return COMPILING.run(recipe, number, Path(folder))


def command_twice(number: int) -> Figures:
    """Run the command twice with caches of its own, empty at first."""
    handgrad = str(Path(sys.executable).with_name("handgrad"))
    with TemporaryDirectory() as folder:
        arguments = [handgrad, *COMMAND.split(), "--seed", str(number), "--out"]
        walls = [
            timed([*arguments, f"{folder}/{run}"], Path(folder))[0] for run in ("first", "next")
        ]
    return {"first wall": walls[0], "wall": walls[1]}


def _played(
    record: Record,
    only: Sequence[str],
    rounds: int,
    play: Callable[[Program], Play],
    *,
    warm_up: bool = False,
) -> Record:
    """Let the programs run in turns, and return the record.

    With `warm_up` each runs once before, so that what it compiles is at hand.
    """
    programs = {name: p for name, p in PROGRAMS.items() if not only or name in only}
    record.series = {name: Series(p.title, p.role) for name, p in programs.items()}
    plays = {name: play(p) for name, p in programs.items()}
    record.skipped = interleave(plays, record.series, rounds, warm_up=warm_up)
    return record
