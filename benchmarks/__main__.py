"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks import document
from benchmarks.kinds import KINDS
from benchmarks.machine import load
from benchmarks.record import FOLDER
from benchmarks.rounds import tell
from benchmarks.tables import details
from benchmarks.worker import limit_threads

OPTIONS: dict[str, dict[str, Any]] = {
    "network": {"nargs": "+", "default": [], "metavar": "NAME", "help": "all, unless named"},
    "mark": {"nargs": "+", "default": [], "metavar": "NAME", "help": "all, unless named"},
    "only": {"nargs": "+", "default": [], "metavar": "WHO", "help": "everybody, unless named"},
    "pictures": {"type": int, "help": "how many pictures make a round"},
    "noise": {"action": "store_true", "help": "pictures without a zero, in place of the data set"},
    "rounds": {"type": int, "default": 5, "help": "how many rounds count (5)"},
    "seeds": {"type": int, "default": 5, "help": "how many runs, each with its own seed (5)"},
    "threads": {"type": int, "default": 2, "help": "how many cores everybody has (2)"},
    "out": {"type": Path, "default": FOLDER, "help": "the folder of the records"},
}

QUIET = 0.5  # processes that wanted a core in the last minute


def main() -> int:
    """Measure, write the records, and return 1 where one of them does not count."""
    asked = parser().parse_args()
    if asked.kind == "table":
        document.renew(asked.out)
        return 0
    limit_threads(asked.threads)
    if (busy := load() or 0) > QUIET:
        tell(f"others want {busy} cores here: expect noise, and keep no record of it")
    sound = True
    for record in KINDS[asked.kind].records(asked):
        path = record.save(asked.out)
        print(details(record), flush=True)
        tell(f"written to {path}")
        for trouble in record.troubles:
            tell(f"DOES NOT COUNT: {trouble}")
            sound = False
    return 0 if sound else 1


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure handgrad against other frameworks, in turns, and keep the records.",
    )
    kinds = top.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, kind in KINDS.items():
        sub = kinds.add_parser(name, help=kind.help, description=f"Measure {kind.help}.")
        for option in (*kind.options, "only", "threads", "out"):
            sub.add_argument(f"--{option}", **OPTIONS[option])
    table = kinds.add_parser("table", help="renew the tables of docs/performance.md")
    table.add_argument("--out", **OPTIONS["out"])
    return top


if __name__ == "__main__":
    raise SystemExit(main())
