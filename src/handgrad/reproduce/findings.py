"""What came out, in numbers: mean and spread over the seeds, and whether that is what was said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, stdev

from handgrad.network import Network
from handgrad.reproduce.experiment import Outcome, Part
from handgrad.reproduce.notebook import BEST, Erratum, Experiment, Notebook
from handgrad.reproduce.store import Piece, Store, pieces


@dataclass(frozen=True)
class Spread:
    """Numbers with their mean and standard deviation.

    Attributes:
        values: one for each seed, one at least.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return mean(self.values)

    @property
    def sd(self) -> float:
        """Their standard deviation; 0 of a single one."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    def holds(self, claim: float) -> bool:
        """Say whether a number lies within two standard deviations."""
        return abs(claim - self.mean) <= 2 * self.sd


class Findings:
    """What was found of a notebook, as far as it was run.

    Args:
        notebook: the notebook.
        store: where the outcomes are kept.
        seeds: how many there are, counted from 0.

    Attributes:
        notebook: the notebook.
        seeds: how many seeds were asked for.
        engine: what trained, by its name.
    """

    def __init__(self, notebook: Notebook, store: Store, seeds: int) -> None:
        self.notebook, self.seeds, self._store = notebook, seeds, store
        self.engine = store.engine
        self._known: dict[str, list[tuple[Piece, Outcome]]] = {}
        for piece in pieces([notebook], seeds):
            outcome = store.get(piece)
            if outcome is not None:
                self._known.setdefault(repr(piece.part), []).append((piece, outcome))

    def outcomes(self, part: Part | None) -> list[Outcome]:
        """Return what came of a part, one outcome for each seed that it was run with."""
        return [outcome for _, outcome in self._known.get(repr(part), [])]

    def machines(self) -> list[str]:
        """Return what each outcome was measured on, in words; "": that was not recorded."""
        return [outcome.machine for known in self._known.values() for _, outcome in known]

    def spread(self, part: Part | None, figure: str) -> Spread | None:
        """Return a figure of a part over the seeds; None: there is none."""
        found = [o.figures[figure] for o in self.outcomes(part) if figure in o.figures]
        return Spread(tuple(found)) if found else None

    def seconds(self, part: Part | None) -> Spread | None:
        """Return how long a part took."""
        found = [o.seconds for o in self.outcomes(part)]
        return Spread(tuple(found)) if found else None

    def network(self, part: Part | None) -> Network | None:
        """Return the network that the first seed brought; None: it was not kept."""
        known = self._known.get(repr(part), [])
        return self._store.network(known[0][0]) if known else None

    def of(self, erratum: Erratum) -> tuple[Spread | None, Spread | None]:
        """Return the figure of an error with the error, and without it."""
        found = self.spread(erratum.part, erratum.figure)
        if found is not None and erratum.misread is not None:
            found = Spread(tuple(erratum.misread(value) for value in found.values))
        return found, self.spread(erratum.against, erratum.without or erratum.figure)

    def troubles(self) -> Iterator[str]:
        """Yield a sentence for each figure that lies outside the range where it must lie."""
        for experiment in self.notebook.experiments:
            for (kind, figure), (low, high) in experiment.ranges.items():
                found = self.spread(experiment.parts[kind], figure)
                if found is not None and not low <= found.mean <= high:
                    yield (
                        f"{self.notebook.name}, {experiment.title}, {kind}: {figure} is "
                        f"{found.mean:.4g}, and must lie between {low:g} and {high:g}"
                    )


def figures(experiment: Experiment) -> list[str]:
    """Return the figures of an experiment that a table shows: those claimed, and others."""
    best = ["test accuracy"] if BEST in experiment.parts else []
    return [*dict.fromkeys([*experiment.claims, *experiment.shown, *best])]


def is_share(figure: str) -> bool:
    """Say whether a figure is to be shown in percent."""
    return "accuracy" in figure


def in_words(spread: Spread | None, share: bool = True) -> str:
    """Return a mean with its standard deviation; a dash where there is none.

    >>> in_words(Spread((0.91, 0.93)))
    '92.00 ± 1.41 %'
    """
    if spread is None:
        return "–"
    scale = 100 if share else 1
    digits = 2 if share else _digits(spread.mean)
    text = f"{scale * spread.mean:,.{digits}f}"
    if len(spread.values) > 1:
        text += f" ± {scale * spread.sd:,.{digits}f}"
    return text + (" %" if share else "")


def _digits(value: float) -> int:
    """Return how many decimals show four digits that count."""
    return max(0, min(6, 3 - math.floor(math.log10(abs(value))))) if value else 0
