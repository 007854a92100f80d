"""The command line of the benchmarks."""

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
    """Parse a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def size(text: str) -> float:
    """Parse a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _names(help: str) -> dict[str, Any]:  # noqa: A002
    return {"nargs": "+", "default": [], "metavar": "NAME", "help": help}


OPTIONS: dict[str, dict[str, Any]] = {
    "network": _names("networks to measure (default: all)"),
    "target": _names("accuracies to measure (default: all)"),
    "row": _names("rows to measure (default: all)"),
    "only": _names("competitors, or for ablation mechanisms, to measure (default: all)"),
    "images": {"type": at_least_one, "metavar": "N", "help": "images in a round of training"},
    "noise": {"action": "store_true", "help": "train on noise without zeros, not on the data set"},
    "gigabytes": {
        "type": size,
        "default": 4.0,
        "metavar": "SIZE",
        "help": "size of the mapped file (default: 4)",
    },
    "rounds": {
        "type": at_least_one,
        "default": 5,
        "metavar": "N",
        "help": "number of rounds that count (default: 5)",
    },
    "seeds": {
        "type": at_least_one,
        "default": 5,
        "metavar": "N",
        "help": "number of runs, each with another seed (default: 5)",
    },
    "threads": {
        "type": at_least_one,
        "default": 2,
        "metavar": "N",
        "help": "number of cores of each competitor (default: 2)",
    },
    "out": {
        "type": Path,
        "default": FOLDER,
        "metavar": "DIR",
        "help": "folder of the records (default: benchmarks/records)",
    },
}

MAX_LOAD = 0.5  # processes that wanted a core in the last minute


def main() -> int:
    """Measure and write the records; return 1 if a record does not count."""
    arguments = parser().parse_args()
    if arguments.kind == "table":
        document.update(arguments.out)
        return 0
    limit_threads(arguments.threads)
    if (current := load() or 0) > MAX_LOAD:
        log(f"the load of this machine is {current}: expect noisy results, and do not keep them")
    if arguments.kind != "all":
        valid = save_records(KINDS[arguments.kind].records(arguments), arguments.out)
        return 0 if valid else 1
    results = [run_kind(title, own, arguments.out) for title, own in all_kinds(arguments)]
    document.update(arguments.out)
    return 0 if all(results) else 1


def all_kinds(arguments: argparse.Namespace) -> Iterator[tuple[str, argparse.Namespace]]:
    """Yield the name and the arguments of each kind that `all` measures."""
    defaults = vars(parser().parse_args(["scale"]))
    defaults |= {"target": [], "row": [], "only": [], "images": None, "noise": False}
    for kind in KINDS:
        own = argparse.Namespace(**{**defaults, **vars(arguments), "kind": kind})
        yield kind, own
        if kind == "train":
            yield "train --noise", argparse.Namespace(**{**vars(own), "noise": True})


def run_kind(title: str, arguments: argparse.Namespace, folder: Path) -> bool:
    """Measure one kind; return whether all its records count. A failure does not stop the rest."""
    log(f"\n== {title}")
    try:
        return save_records(KINDS[arguments.kind].records(arguments), folder)
    except (Exception, SystemExit) as error:  # the other kinds continue
        log(f"{title} FAILED: {type(error).__name__}: {error}")
        return False


def save_records(records: Iterable[Record], folder: Path) -> bool:
    """Write and print each record as it is completed; return whether all of them count."""
    valid = True
    for record in records:
        path = record.save(folder)
        print(details(record), flush=True)
        log(f"wrote {path}")
        for problem in record.problems:
            log(f"DOES NOT COUNT: {problem}")
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
        "all kinds, one after another; then update the tables",
        "Measure all kinds and update the tables. A failure does not stop the rest.",
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
