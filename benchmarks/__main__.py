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
from benchmarks.rounds import tell
from benchmarks.tables import details
from benchmarks.worker import limit_threads


def at_least_one(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def size(text: str) -> float:
    """Return a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


OPTIONS: dict[str, dict[str, Any]] = {
    "network": {"nargs": "+", "default": [], "metavar": "NAME", "help": "all, unless named"},
    "mark": {"nargs": "+", "default": [], "metavar": "NAME", "help": "all, unless named"},
    "only": {"nargs": "+", "default": [], "metavar": "WHO", "help": "everybody, unless named"},
    "images": {"type": at_least_one, "help": "how many images make a round"},
    "noise": {"action": "store_true", "help": "images without a zero, in place of the data set"},
    "gigabytes": {"type": size, "default": 4.0, "help": "how large the mapped file is (4)"},
    "rounds": {"type": at_least_one, "default": 5, "help": "how many rounds count (5)"},
    "seeds": {
        "type": at_least_one,
        "default": 5,
        "help": "how many runs, each with its own seed (5)",
    },
    "threads": {"type": at_least_one, "default": 2, "help": "how many cores everybody has (2)"},
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
    if asked.kind != "all":
        return 0 if kept(KINDS[asked.kind].records(asked), asked.out) else 1
    sound = [each(title, settings, asked) for title, settings in everything(asked)]
    document.renew(asked.out)
    return 0 if all(sound) else 1


def everything(asked: argparse.Namespace) -> Iterator[tuple[str, argparse.Namespace]]:
    """Yield what belongs to `all`: each kind by its name, with its settings."""
    usual = vars(parser().parse_args(["scale"]))
    usual |= {"mark": [], "only": [], "images": None, "noise": False}
    for kind in KINDS:
        settings = argparse.Namespace(**{**usual, **vars(asked), "kind": kind})
        yield kind, settings
        if kind == "train":
            yield "train --noise", argparse.Namespace(**{**vars(settings), "noise": True})


def each(title: str, settings: argparse.Namespace, asked: argparse.Namespace) -> bool:
    """Measure one kind, and say whether all went well; whatever happens, the next has its turn."""
    tell(f"\n== {title}")
    try:
        return kept(KINDS[settings.kind].records(settings), asked.out)
    except (Exception, SystemExit) as error:  # whatever it was, the others go on
        tell(f"{title} FAILED: {type(error).__name__}: {error}")
        return False


def kept(records: Iterable[Record], folder: Path) -> bool:
    """Write and show each record as it comes, and say whether all of them count."""
    sound = True
    for record in records:
        path = record.save(folder)
        print(details(record), flush=True)
        tell(f"written to {path}")
        for trouble in record.troubles:
            tell(f"DOES NOT COUNT: {trouble}")
            sound = False
    return sound


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure handgrad against other frameworks, in turns, and keep the records.",
    )
    kinds = top.add_subparsers(dest="kind", required=True, metavar="KIND")

    def add(
        name: str,
        options: Iterable[str],
        words: str,
        sentence: str,
        names: Mapping[str, Collection[str]],
    ) -> None:
        sub = kinds.add_parser(name, help=words, description=sentence)
        for option in options:
            own = dict(OPTIONS[option])
            if option in names:
                own |= {
                    "choices": names[option],
                    "help": f"{own['help']}: {', '.join(names[option])}",
                }
            sub.add_argument(f"--{option}", **own)

    for name, kind in KINDS.items():
        options = (*kind.options, *kind.names, "threads", "out")
        add(name, options, kind.help, f"Measure {kind.help}.", kind.names)
    add(
        "all",
        ("rounds", "seeds", "gigabytes", "threads", "out"),
        "all of these, one after another, then the tables",
        "Measure everything; what fails is named, and the rest goes on.",
        {},
    )
    add("table", ("out",), "renew the tables of docs/performance.md", "Renew the tables.", {})
    return top


if __name__ == "__main__":
    raise SystemExit(main())
