"""What is said in every report, and on what machine it was made."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from handgrad.reproduce.catalog import NOTEBOOKS
from handgrad.threads import cores

HOW = (
    "Five public notebooks build image classifiers by hand. Each is run here in four ways: as "
    "published, with its errors put back in; corrected, with the same data, model, initial "
    "weights, optimizer and epochs; the same in PyTorch from the same weights; and at its best, "
    "the same network with a recipe of ours, chosen on validation images that were set aside "
    "from the training images; the table of each says what was compared. Two small modern "
    "networks of ours stand beside them.",
    "Numbers are mean and standard deviation over the seeds. A published one is met if it lies "
    "within two standard deviations of the mean.",
)
LESS = (
    "This is the quick run: fewer epochs and images, to see that all of it works. What was "
    "published cannot come out of it."
)
PACKAGES = ("handgrad", "numpy", "numba", "torch", "keras")


def introduction(quick: bool) -> tuple[str, ...]:
    """Return the paragraphs that a report begins with."""
    return (*HOW, LESS) if quick else HOW


def command(names: Sequence[str], seeds: int, engine: str, quick: bool) -> str:
    """Return the command that makes a report of some notebooks."""
    which = "all" if [*names] == [*NOTEBOOKS] else " ".join(names)
    return f"handgrad reproduce {which} --seeds {seeds} --engine {engine}" + " --quick" * quick


def machine() -> str:
    """Return the machine, how much of it is used, and the versions of what takes part, in words."""
    found = [f"{name} {number}" for name in PACKAGES if (number := _version(name))]
    python = f"Python {platform.python_version()}"
    there, used = os.cpu_count() or 1, cores()
    counts = f"{there} core{'s' * (there > 1)}, {used} thread{'s' * (used > 1)}"
    return f"{platform.machine()}, {counts}; {', '.join([python, *found])}"


def measured(machines: Sequence[str]) -> str:
    """Return on which machines results were measured, and how many on each, in a sentence.

    >>> measured(["a", "", "a"])
    'Measured on: a (2 results); not recorded (1 result).'
    """
    if not machines:
        return "Nothing was measured yet."
    told = (
        f"{name or 'not recorded'} ({count} result{'s' * (count > 1)})"
        for name, count in Counter(machines).most_common()
    )
    return f"Measured on: {'; '.join(told)}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
