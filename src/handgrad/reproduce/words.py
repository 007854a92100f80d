"""What is said in every report, and on what machine it was made."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from handgrad.cores import cores

HOW = (
    "Five public notebooks build image classifiers by hand. Each is run here in four ways: as "
    "published, with its errors put back in; corrected, with the same data, model, initial "
    "weights, optimizer and epochs; the same in PyTorch from the same weights; and at its best, "
    "the same network with a recipe of ours, chosen on validation pictures that were set aside "
    "from the training pictures; the table of each says what was compared. Two small modern "
    "networks of ours stand beside them.",
    "Numbers are mean and standard deviation over the seeds. A published one is met if it lies "
    "within two standard deviations of the mean.",
)
LESS = (
    "This is the quick run: fewer epochs and pictures, to see that all of it works. What was "
    "published cannot come out of it."
)
PACKAGES = ("handgrad", "numpy", "numba", "torch", "keras")


def introduction(quick: bool) -> tuple[str, ...]:
    """Return the paragraphs that a report begins with."""
    return (*HOW, LESS) if quick else HOW


def command(seeds: int, quick: bool) -> str:
    """Return the command that makes a report."""
    return f"handgrad reproduce all --seeds {seeds}" + (" --quick" if quick else "")


def machine() -> str:
    """Return the machine, and the versions of what takes part, in words."""
    found = [f"{name} {number}" for name in PACKAGES if (number := _version(name))]
    python = f"Python {platform.python_version()}"
    count = f"{cores()} core{'s' if cores() > 1 else ''}"
    return f"{platform.machine()}, {count}; {', '.join([python, *found])}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
