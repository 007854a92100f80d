"""The record of a run: every single figure, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from benchmarks import machine

FOLDER = Path(__file__).parent / "records"

Figures = dict[str, float]
Better = Literal["high", "low"]


@dataclass
class Series:
    """What one contestant did.

    Attributes:
        title: what the tables call it.
        role: "ours", a "peer", the "twin", the machine's "limit", or one "case" of ours beside
            others.
        rounds: the figures of each round.
        first: those of the round before them, in which things are compiled; not counted.
    """

    title: str
    role: str
    rounds: list[Figures] = field(default_factory=list)
    first: Figures = field(default_factory=dict)

    def median(self, figure: str) -> float:
        """Return the median of a figure over the rounds."""
        return median(figures[figure] for figures in self.rounds)


@dataclass
class Record:
    """One run of one benchmark.

    Attributes:
        kind: which benchmark.
        subject: what was measured: network, data, batch and so on.
        goals: the figures that are compared, and which way is better.
        series: what each contestant did, by name.
        skipped: who could not take part, and why.
        troubles: why the record does not count; empty where it does.
        label: what tells this record's file from others of its kind.
        yardstick: whose figures the tables give everybody's share of, by name; None: nobody's.
        about: machine, versions, command, date.
    """

    kind: str
    label: str
    subject: dict[str, Any]
    goals: dict[str, Better]
    series: dict[str, Series] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    yardstick: str | None = None
    about: dict[str, Any] = field(default_factory=machine.about)

    def of_role(self, role: str) -> list[str]:
        """Return who has a role and has figures."""
        return [name for name, s in self.series.items() if s.role == role and s.rounds]

    def best(self, figure: str, role: str) -> str | None:
        """Return who of a role has the best median; None: nobody is there."""
        names = self.of_role(role)
        if not names:
            return None
        choose = max if self.goals[figure] == "high" else min
        return choose(names, key=lambda name: self.series[name].median(figure))

    def times_better(self, figure: str, name: str, other: str) -> float:
        """Return how many times better one is than another: the median over the rounds.

        Both figures of a ratio are of the same round, so that a machine that slows down for a
        while slows both.
        """
        pairs = zip(self.series[name].rounds, self.series[other].rounds, strict=True)
        ratios = [one[figure] / two[figure] for one, two in pairs]
        return median(ratios if self.goals[figure] == "high" else [1 / r for r in ratios])

    def ratios(self) -> dict[str, dict[str, Figures]]:
        """Return, by figure and contestant, how many times better it is than the others' best."""
        found: dict[str, dict[str, Figures]] = {}
        for figure in self.goals:
            rivals = {"best peer": self.best(figure, "peer"), "PyTorch": self._pytorch()}
            found[figure] = {
                name: {
                    f"to {title}": self.times_better(figure, name, rival)
                    for title, rival in rivals.items()
                    if rival is not None
                }
                for name in self.of_role("ours")
            }
        return found

    def _pytorch(self) -> str | None:
        return "pytorch" if "pytorch" in self.of_role("peer") else None

    def save(self, folder: Path = FOLDER) -> Path:
        """Write the record to its file, and return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        day = self.about["date"][:10]
        path = folder / f"{self.kind}-{self.label}-{day}.json"
        medians = {
            name: {figure: series.median(figure) for figure in series.rounds[0]}
            for name, series in self.series.items()
            if series.rounds
        }
        content = {**asdict(self), "medians": medians, "ratios": self.ratios()}
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path


def read(path: Path) -> Record:
    """Return the record that a file holds."""
    content = json.loads(path.read_text())
    for derived in ("medians", "ratios"):
        del content[derived]
    content["series"] = {name: Series(**series) for name, series in content["series"].items()}
    return Record(**content)
