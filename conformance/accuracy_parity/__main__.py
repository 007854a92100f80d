"""The command `python -m conformance.accuracy_parity`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import mean, stdev

from conformance.accuracy_parity import TASKS, Comparison, Task, compare
from handgrad.data import load_data
from handgrad.errors import ConfigError, HandgradError
from handgrad.gradient_check.autograd import require_torch
from handgrad.markdown_sections import read, table, write

SECTION = "accuracy parity with PyTorch"
SEEDS = 5
HEADINGS = ["network", "trained on", ">handgrad", ">PyTorch", ">difference", "within ±"]


def main(words: list[str] | None = None) -> int:
    """Train the networks, write or print the results, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.accuracy_parity",
        description="Train the notebooks' networks in two engines. The exit status is 1 if "
        "their mean accuracies differ by more than the standard deviation.",
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="a network to train (default: all five)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to FILE")
    given = parser.parse_args(words)
    try:
        require_torch()
        found = {name: _compared(name) for name in given.models or TASKS}
        old = read(SECTION, given.write) if given.write else ""
        text = section(found, old)
        if given.write:
            write(SECTION, text, given.write)
        else:
            print(text)
    except HandgradError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if all(comparison.ok for comparison in found.values()) else 1


def section(found: Mapping[str, Comparison], old: str = "") -> str:
    """Return the results in Markdown; the rows of networks that were not trained are kept."""
    rows = {cells[0].strip("`"): cells for cells in _rows(old)}
    rows |= {name: _row(TASKS[name], comparison) for name, comparison in found.items()}
    return f"""## Accuracy parity with PyTorch

Written by `python -m conformance.accuracy_parity --write docs/proof.md`, with torch
{version("torch").partition("+")[0]}. If networks are named, only their rows are updated.

Each of the notebooks' five networks is trained with {SEEDS} seeds, both in the compiled engine and
in PyTorch, which uses its own modules, optimizers and autograd. The initial weights, batches and
dropout masks are the same. The table shows the mean and the standard deviation of the accuracy on
the 10,000 test images. The means may differ by at most the standard deviation of the compiled
engine.

{table(HEADINGS, [rows[name] for name in TASKS if name in rows])}
"""


def _compared(name: str) -> Comparison:
    """Train one of the networks in both engines, and print the progress."""
    if name not in TASKS:
        raise ConfigError(f"unknown network {name!r}; choose one of {', '.join(TASKS)}")
    runs = 0

    def on_run() -> None:
        nonlocal runs
        runs += 1
        print(f"{name}: {runs} of {2 * SEEDS} runs", file=sys.stderr)

    return compare(TASKS[name], *load_data(TASKS[name].data), seeds=SEEDS, on_run=on_run)


def _row(task: Task, found: Comparison) -> list[str]:
    """Return the cells of the table row of a network."""
    images = f"{task.images:,} images" if task.images else "all images"
    times = "1 epoch" if task.epochs == 1 else f"{task.epochs} epochs"
    rule = f"{type(task.optimizer).__name__}({task.optimizer.lr:g})"
    how = f"{task.data}, {images}, {times}, batches of {task.batch_size}, {rule}"
    ours, theirs = (f"{mean(s):.2%} ± {stdev(s):.2%}" for s in (found.ours, found.theirs))
    return [
        f"`{task.model}`",
        how,
        ours,
        theirs,
        f"{found.difference:.3%}",
        "yes" if found.ok else "no",
    ]


def _rows(text: str) -> list[list[str]]:
    """Return the rows of the table in a section, each as a list of cells."""
    lines = (line for line in text.splitlines() if line.startswith("| `"))
    return [line.strip("| ").split(" | ") for line in lines]


if __name__ == "__main__":
    sys.exit(main())
