"""Runs complete programs, each in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import role_of
from benchmarks.record import Figures
from benchmarks.worker import Skipped
from handgrad.data.named.locate import locate
from handgrad.data.named.sources import MNIST
from handgrad.engines import ENGINES

# Settings that slow a program down compared with normal use: Python's compiled modules exist in an
# installed package, and in a checkout after the first run.
IGNORED_SETTINGS = ("PYTHONDONTWRITEBYTECODE",)


class Program(NamedTuple):
    """A program that trains one configuration.

    Attributes:
        title: the name of the program in the tables.
        role: the role of the program in the tables; see `Competitor`.
        module: the module to run.
        framework: the framework whose configuration the program uses.
        extra: entries that are added to the configuration.
    """

    title: str
    role: str
    module: str
    framework: str
    extra: dict[str, Any]

    def run(self, config: Any, seed: int, caches: Path | None = None) -> Figures:
        """Run the program once in a new process; return its figures and its wall time.

        Raises:
            Skipped: if the program fails.
        """
        settings = {**config, **self.extra, "data": "mnist", "folder": folder(), "seed": seed}
        command = [sys.executable, "-m", self.module, json.dumps(settings)]
        wall, output = timed(command, caches)
        return {"wall": wall, **json.loads(output.splitlines()[-1])}


PROGRAMS = {
    **{
        engine: Program(
            f"handgrad {engine}",
            role_of(engine),
            "benchmarks.cold.ours",
            "handgrad",
            {"engine": engine},
        )
        for engine in ENGINES
        if engine != "auto"
    },
    "pytorch": Program(
        "PyTorch eager", "peer", "benchmarks.cold.pytorch", "pytorch", {"bytes": False}
    ),
    "pytorch-bytes": Program(
        "PyTorch eager, images kept as uint8",
        "peer",
        "benchmarks.cold.pytorch",
        "pytorch",
        {"bytes": True},
    ),
}

COMPILING = Program("handgrad compiled", "case", "benchmarks.cold.compile", "handgrad", {})


def timed(command: Sequence[str], caches: Path | None = None) -> tuple[float, str]:
    """Run a command, and return its wall time in seconds and its output.

    Args:
        command: the program and its arguments.
        caches: the folder for the program's caches, or None for the default folder.

    Raises:
        Skipped: if the command fails; the message is the last line of its standard error.
    """
    environment = {
        name: value for name, value in os.environ.items() if name not in IGNORED_SETTINGS
    }
    if caches is not None:
        environment |= {"XDG_CACHE_HOME": str(caches), "HANDGRAD_CACHE": str(caches)}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode:
        error = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Skipped(error[-1])
    return wall, done.stdout


def folder() -> str:
    """Return the folder that contains the files of MNIST.

    Raises:
        SystemExit: if MNIST was not found on this machine.
    """
    place = locate(MNIST)
    if place is None:
        raise SystemExit(
            "MNIST was not found on this machine; run `handgrad data fetch mnist` to download it"
        )
    return str(place)
