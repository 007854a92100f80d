"""The introduction of the report, and the description of the machine."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from handgrad.reproduce.catalog import NOTEBOOKS
from handgrad.threads import cores

METHOD = (
    "Five public notebooks build image classifiers by hand. Each is run here in four variants. "
    "The variant “reproduced” is the notebook as published, including its errors. The variant "
    "“corrected” has no errors, but the same data, model, initial weights, optimizer and number "
    "of epochs. The variant “in PyTorch” is the corrected variant, computed by PyTorch from the "
    "same initial weights. The variant “at its best” is the same network with other "
    "hyperparameters, chosen on validation images from the training set; a table for each "
    "notebook lists what was compared. Two small modern networks of handgrad are added for "
    "comparison.",
    "Numbers are means and standard deviations over the seeds. A published value counts as "
    "reproduced if it lies within two standard deviations of the mean.",
)
QUICK = (
    "This is the quick run, with fewer epochs and images. It shows that everything works, but it "
    "cannot reproduce the published values."
)
PACKAGES = ("handgrad", "numpy", "numba", "torch", "keras")


def introduction(quick: bool) -> tuple[str, ...]:
    """Return the first paragraphs of the report."""
    return (*METHOD, QUICK) if quick else METHOD


def command(names: Sequence[str], seeds: int, engine: str, quick: bool) -> str:
    """Return the command that makes the report for some notebooks."""
    which = "all" if [*names] == [*NOTEBOOKS] else " ".join(names)
    return f"handgrad reproduce {which} --seeds {seeds} --engine {engine}" + " --quick" * quick


def machine() -> str:
    """Describe the machine, the cores in use and the versions of the packages."""
    found = [f"{name} {number}" for name in PACKAGES if (number := _version(name))]
    python = f"Python {platform.python_version()}"
    available, used = os.cpu_count() or 1, cores()
    counts = f"{available} core{'s' * (available > 1)}, {used} thread{'s' * (used > 1)}"
    return f"{platform.machine()}, {counts}; {', '.join([python, *found])}"


def provenance(machines: Sequence[str]) -> str:
    """Say how many results were measured on which machine.

    >>> provenance(["a", "", "a"])
    'Measured on: a (2 results); not recorded (1 result).'
    """
    if not machines:
        return "Nothing has been measured yet."
    counts = (
        f"{name or 'not recorded'} ({count} result{'s' * (count > 1)})"
        for name, count in Counter(machines).most_common()
    )
    return f"Measured on: {'; '.join(counts)}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
