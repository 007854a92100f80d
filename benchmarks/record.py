"""The record of a benchmark run, with all figures and the ratios derived from them."""

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
    """The figures of one competitor.

    Attributes:
        title: the name of the competitor in the tables.
        role: "ours" for handgrad; "peer" for another framework; "torch" for handgrad's torch
            engine; "limit" for the limit of the machine; "case" for one of several settings of
            handgrad.
        rounds: the figures of each measured round.
        first: the figures of the warm-up round; this round includes compilation and is not counted.
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
    """The result of one benchmark run.

    Attributes:
        kind: the kind of benchmark.
        label: the part of the file name by which records of the same kind differ.
        setup: the settings of the run, such as the network, the data and the batch size.
        goals: for each figure that is compared, "high" if higher values are better, or "low" if
            lower values are better.
        series: the figures of each competitor, by name.
        skipped: the reason for each competitor that could not run.
        problems: the reasons why the record is invalid; empty if it is valid.
        baseline: the competitor with which the tables compare all others, or None for no such
            comparison.
        about: the machine, the versions, the command and the date.
    """

    kind: str
    label: str
    setup: dict[str, Any]
    goals: dict[str, Better]
    series: dict[str, Series] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    baseline: str | None = None
    about: dict[str, Any] = field(default_factory=machine.about)

    def of_role(self, role: str) -> list[str]:
        """Return the names of the measured competitors that have the given role."""
        return [name for name, s in self.series.items() if s.role == role and s.rounds]

    def best(self, figure: str, role: str) -> str | None:
        """Return the competitor with the best median among those with a role, or None."""
        names = self.of_role(role)
        if not names:
            return None
        choose = max if self.goals[figure] == "high" else min
        return choose(names, key=lambda name: self.series[name].median(figure))

    def times_better(self, figure: str, name: str, other: str) -> float:
        """Return how many times better one competitor is than another, as a median over the rounds.

        Both figures of a ratio come from the same round, so a slow phase of the machine affects
        both of them.
        """
        return median(self.round_ratios(figure, name, other))

    def round_ratios(self, figure: str, name: str, other: str) -> list[float]:
        """Return how many times better one competitor is than another in each round."""
        pairs = zip(self.series[name].rounds, self.series[other].rounds, strict=True)
        ratios = [one[figure] / two[figure] for one, two in pairs]
        return ratios if self.goals[figure] == "high" else [1 / r for r in ratios]

    def ratios(self) -> dict[str, dict[str, Figures]]:
        """Return how many times better each handgrad engine is than the best peer and PyTorch."""
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
        """Save the record as a JSON file in `folder`, and return the path."""
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
    """Read a record from a file."""
    content = json.loads(path.read_text())
    for derived in ("medians", "ratios"):
        del content[derived]
    content["series"] = {name: Series(**series) for name, series in content["series"].items()}
    return Record(**content)
