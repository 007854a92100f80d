"""The command-line interface of the benchmarks."""

from __future__ import annotations

import argparse
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import document
from benchmarks.kinds import KINDS
from benchmarks.machine import load
from benchmarks.record import FOLDER, Record
from benchmarks.rounds import log
from benchmarks.tables import details
from benchmarks.worker import limit_threads


def at_least_one(text: str) -> int:
    """Parse an integer that is at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer that is at least 1")
    return int(text)


def size(text: str) -> float:
    """Parse a finite number greater than 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number greater than 0")
    return number


def _names(help: str) -> dict[str, Any]:  # noqa: A002
    return {"nargs": "+", "default": [], "metavar": "NAME", "help": help}


OPTIONS: dict[str, dict[str, Any]] = {
    "network": _names("networks to measure (default: all)"),
    "target": _names("target accuracies to measure (default: all)"),
    "row": _names("table rows to measure (default: all)"),
    "only": _names("competitors to measure, or mechanisms for an ablation (default: all)"),
    "images": {"type": at_least_one, "metavar": "N", "help": "number of training images per round"},
    "noise": {
        "action": "store_true",
        "help": "add noise to the training images, so that no pixel is zero",
    },
    "gigabytes": {
        "type": size,
        "default": 4.0,
        "metavar": "SIZE",
        "help": "size of the memory-mapped file in gigabytes (default: 4)",
    },
    "rounds": {
        "type": at_least_one,
        "default": 5,
        "metavar": "N",
        "help": "number of measured rounds, not counting the warm-up (default: 5)",
    },
    "seeds": {
        "type": at_least_one,
        "default": 5,
        "metavar": "N",
        "help": "number of training runs, each with a different seed (default: 5)",
    },
    "threads": {
        "type": at_least_one,
        "default": 2,
        "metavar": "N",
        "help": "number of cores that each competitor may use (default: 2)",
    },
    "out": {
        "type": Path,
        "default": FOLDER,
        "metavar": "DIR",
        "help": "folder in which to save the records (default: benchmarks/records)",
    },
}

MAX_LOAD = 0.5  # processes that wanted a core in the last minute


def main() -> int:
    """Run the benchmarks and write the records; return 1 if any record is invalid."""
    arguments = parser().parse_args()
    if arguments.kind == "table":
        document.update(arguments.out)
        return 0
    limit_threads(arguments.threads)
    if (current := load() or 0) > MAX_LOAD:
        log(f"this machine is busy (load average {current}): discard these noisy results")
    if arguments.kind != "all":
        valid = save_records(KINDS[arguments.kind].records(arguments), arguments.out)
        return 0 if valid else 1
    results = [run_kind(title, own, arguments.out) for title, own in all_kinds(arguments)]
    document.update(arguments.out)
    return 0 if all(results) else 1


def all_kinds(arguments: argparse.Namespace) -> Iterator[tuple[str, argparse.Namespace]]:
    """Yield the title and the arguments of each benchmark that the command `all` runs."""
    defaults = vars(parser().parse_args(["scale"]))
    defaults |= {"target": [], "row": [], "only": [], "images": None, "noise": False}
    for kind in KINDS:
        own = argparse.Namespace(**{**defaults, **vars(arguments), "kind": kind})
        yield kind, own
        if kind == "train":
            yield "train --noise", argparse.Namespace(**{**vars(own), "noise": True})


def run_kind(title: str, arguments: argparse.Namespace, folder: Path) -> bool:
    """Run one kind of benchmark; return whether all its records are valid, and log exceptions."""
    log(f"\n== {title}")
    try:
        return save_records(KINDS[arguments.kind].records(arguments), folder)
    except (Exception, SystemExit) as error:  # the other kinds continue
        log(f"{title} FAILED: {type(error).__name__}: {error}")
        return False


def save_records(records: Iterable[Record], folder: Path) -> bool:
    """Save and print each record when it is complete; return whether all of them are valid."""
    valid = True
    for record in records:
        path = record.save(folder)
        print(details(record), flush=True)
        log(f"wrote {path}")
        for problem in record.problems:
            log(f"INVALID RECORD: {problem}")
            valid = False
    return valid


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure handgrad and other frameworks in interleaved rounds.",
    )
    kinds = top.add_subparsers(dest="kind", required=True, metavar="KIND")

    def add(
        name: str,
        options: Iterable[str],
        summary: str,
        description: str,
        names: Mapping[str, Collection[str]],
    ) -> None:
        sub = kinds.add_parser(name, help=summary, description=description)
        for option in options:
            settings = dict(OPTIONS[option])
            if option in names:
                choices = ", ".join(names[option]).replace("%", "%%")
                settings |= {"choices": names[option], "help": f"{settings['help']}: {choices}"}
            sub.add_argument(f"--{option}", **settings)

    for name, kind in KINDS.items():
        options = (*kind.options, *kind.names, "threads", "out")
        add(name, options, kind.help, f"Measure {kind.help}.", kind.names)
    add(
        "all",
        ("rounds", "seeds", "gigabytes", "threads", "out"),
        "run all kinds one after another, then update the tables",
        "Run all kinds and update the tables. If one kind fails, the others still run.",
        {},
    )
    add(
        "table",
        ("out",),
        "update the tables of docs/performance.md",
        "Update the tables of docs/performance.md from the records.",
        {},
    )
    return top


if __name__ == "__main__":
    raise SystemExit(main())
