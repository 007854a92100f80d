"""Benchmarks of whole programs: their startup time, memory, and time to a target accuracy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cold.run import COMPILING, PROGRAMS, Program, timed
from benchmarks.configs import SHORT, TARGETS, ProgramConfig
from benchmarks.record import Figures, Record, Series
from benchmarks.rounds import Measurement, interleave

COMMAND = "train digits"


def start(network: str, only: Sequence[str], rounds: int, threads: int) -> Record:
    """Measure a program's first run, with empty caches, and its second run."""
    config = SHORT[network]
    setup = {"network": network, "threads": threads, "config": config}
    record = Record("start", network, setup, {"first wall": "low", "wall": "low"})
    return _measure_programs(record, only, rounds, lambda p: partial(run_twice, p, config))


def command(rounds: int, threads: int) -> Record:
    """Measure ``handgrad train digits``: the first run, with empty caches, and the second run."""
    setup = {"command": f"handgrad {COMMAND}", "threads": threads}
    record = Record("start", "command", setup, {"first wall": "low", "wall": "low"})
    record.series["handgrad"] = Series(f"`handgrad {COMMAND}`", "ours")
    record.skipped = interleave(
        {"handgrad": run_command_twice}, record.series, rounds, warm_up=False
    )
    return record


def compilation(networks: Mapping[str, ProgramConfig], rounds: int, threads: int) -> Record:
    """Measure how long it takes to compile each network's kernels with an empty cache."""
    record = Record("start", "compilation", {"threads": threads}, {"compile": "low"})
    record.series = {name: Series(name, "case") for name in networks}
    measurements = {name: partial(compile_cold, config) for name, config in networks.items()}
    record.skipped = interleave(measurements, record.series, rounds, warm_up=False)
    return record


def memory(network: str, only: Sequence[str], rounds: int, threads: int) -> Record:
    """Measure the peak resident memory of each program."""
    config = SHORT[network]
    setup = {"network": network, "threads": threads, "config": config}
    record = Record("memory", network, setup, {"peak MiB": "low"})
    return _measure_programs(
        record, only, rounds, lambda p: lambda number: p.run(config, seed=number), warm_up=True
    )


def accuracy(target: str, only: Sequence[str], seeds: int, threads: int) -> Record:
    """Measure how long each program takes to reach the target accuracy, for several seeds."""
    goal: Any = TARGETS[target]
    setup = {"target": goal["accuracy"], "threads": threads, "configs": goal}
    record = Record("accuracy", target, setup, {"wall": "low"})
    _measure_programs(
        record,
        only or ("compiled", "pytorch", "pytorch-bytes"),
        seeds,
        lambda p: lambda number: p.run(goal[p.framework], seed=number),
        warm_up=True,
    )
    record.problems = [
        f"seed {seed}: {series.title} reached {figures['accuracy']:.2%}, "
        f"which is less than {goal['accuracy']:.2%}"
        for series in record.series.values()
        for seed, figures in enumerate(series.rounds, start=1)
        if figures["accuracy"] < goal["accuracy"]
    ]
    return record


def run_twice(program: Program, config: Any, number: int) -> Figures:
    """Run a program twice with separate caches, which are empty before the first run."""
    with TemporaryDirectory() as folder:
        first = program.run(config, number, Path(folder))
        return {"first wall": first["wall"], **program.run(config, number, Path(folder))}


def compile_cold(config: ProgramConfig, number: int) -> Figures:
    """Compile a network's kernels into an empty cache."""
    with TemporaryDirectory() as folder:
        return COMPILING.run(config, number, Path(folder))


def run_command_twice(number: int) -> Figures:
    """Run the command twice with separate caches, which are empty before the first run."""
    handgrad = str(Path(sys.executable).with_name("handgrad"))
    with TemporaryDirectory() as folder:
        arguments = [handgrad, *COMMAND.split(), "--seed", str(number), "--out"]
        walls = [
            timed([*arguments, f"{folder}/{run}"], Path(folder))[0] for run in ("first", "next")
        ]
    return {"first wall": walls[0], "wall": walls[1]}


def _measure_programs(
    record: Record,
    only: Sequence[str],
    rounds: int,
    measurement: Callable[[Program], Measurement],
    *,
    warm_up: bool = False,
) -> Record:
    """Run the programs in interleaved rounds, and return the record.

    With `warm_up`, each program runs once before the rounds, so that its kernels are cached.
    """
    programs = {name: p for name, p in PROGRAMS.items() if not only or name in only}
    record.series = {name: Series(p.title, p.role) for name, p in programs.items()}
    measurements = {name: measurement(p) for name, p in programs.items()}
    record.skipped = interleave(measurements, record.series, rounds, warm_up=warm_up)
    return record
