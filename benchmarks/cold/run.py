"""Starting a whole program, and waiting for what it says."""

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

# Settings under which no program is as its user knows it: without it, an installed package comes
# with its modules compiled, and a checkout keeps them from the second run on.
SPOILERS = ("PYTHONDONTWRITEBYTECODE",)


class Program(NamedTuple):
    """A whole program that trains.

    Attributes:
        title: what the tables call it.
        role: as a contestant's.
        module: the module to run.
        framework: whose recipe it takes.
        extra: what is added to the recipe.
    """

    title: str
    role: str
    module: str
    framework: str
    extra: dict[str, Any]

    def run(self, recipe: Any, seed: int, caches: Path | None = None) -> Figures:
        """Run it once in a fresh process, and return its figures and the wall time.

        Raises:
            Skipped: where it fails.
        """
        asked = {**recipe, **self.extra, "data": "mnist", "folder": folder(), "seed": seed}
        command = [sys.executable, "-m", self.module, json.dumps(asked)]
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
    """Run a command, and return its wall time and what it printed.

    Args:
        command: the program and its arguments.
        caches: where it is to keep what it compiles; None: where it usually does.

    Raises:
        Skipped: where it fails; the message is the last line of what it complained.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SPOILERS}
    if caches is not None:
        environment |= {"XDG_CACHE_HOME": str(caches), "HANDGRAD_CACHE": str(caches)}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Skipped(complaint[-1])
    return wall, done.stdout


def folder() -> str:
    """Return the folder of MNIST's files.

    Raises:
        SystemExit: where they are not on this machine.
    """
    place = locate(MNIST)
    if place is None:
        raise SystemExit("MNIST is not on this machine; fetch it with `handgrad data fetch mnist`")
    return str(place)
