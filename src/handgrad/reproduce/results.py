"""The results of a notebook: means and standard deviations over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, stdev

from handgrad.network import Network
from handgrad.reproduce.experiment import RunResult, Variant
from handgrad.reproduce.notebook import BEST, Erratum, Experiment, Notebook
from handgrad.reproduce.store import Job, ResultStore, jobs


@dataclass(frozen=True)
class SeedStatistics:
    """The values of a metric over the seeds.

    Attributes:
        values: one value per seed; at least one value.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return mean(self.values)

    @property
    def sd(self) -> float:
        """The standard deviation of the values; 0 if there is only one value."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    def agrees_with(self, value: float) -> bool:
        """Return whether a value lies within two standard deviations of the mean."""
        return abs(value - self.mean) <= 2 * self.sd


class NotebookResults:
    """The stored results of a notebook.

    Args:
        notebook: the notebook.
        store: the store of the results.
        seeds: the number of seeds; the seeds are 0, 1, 2 and so on.

    Attributes:
        notebook: the notebook.
        seeds: the requested number of seeds.
        engine: the name of the engine.
    """

    def __init__(self, notebook: Notebook, store: ResultStore, seeds: int) -> None:
        self.notebook, self.seeds, self._store = notebook, seeds, store
        self.engine = store.engine
        self._known: dict[str, list[tuple[Job, RunResult]]] = {}
        for job in jobs([notebook], seeds):
            result = store.get(job)
            if result is not None:
                self._known.setdefault(repr(job.variant), []).append((job, result))

    def of(self, variant: Variant | None) -> list[RunResult]:
        """Return the results of a variant: one for each seed that was run."""
        return [result for _, result in self._known.get(repr(variant), [])]

    def machines(self) -> list[str]:
        """Return a description of the machine for each result, or "" if it was not recorded."""
        return [result.machine for known in self._known.values() for _, result in known]

    def metric(self, variant: Variant | None, name: str) -> SeedStatistics | None:
        """Return a variant's metric over the seeds, or None if there is no result."""
        values = [r.metrics[name] for r in self.of(variant) if name in r.metrics]
        return SeedStatistics(tuple(values)) if values else None

    def network(self, variant: Variant | None) -> Network | None:
        """Return the network of the first seed, or None if it is not stored."""
        known = self._known.get(repr(variant), [])
        return self._store.network(known[0][0]) if known else None

    def erratum(self, erratum: Erratum) -> tuple[SeedStatistics | None, SeedStatistics | None]:
        """Return the metric that measures the effect of an erratum, with and without the error."""
        wrong = self.metric(erratum.variant, erratum.metric)
        if wrong is not None and erratum.misread is not None:
            wrong = SeedStatistics(tuple(erratum.misread(value) for value in wrong.values))
        return wrong, self.metric(erratum.reference, erratum.reference_metric or erratum.metric)

    def violations(self) -> Iterator[str]:
        """Yield a sentence for each metric that lies outside its permitted range."""
        for experiment in self.notebook.experiments:
            for (kind, name), (low, high) in experiment.ranges.items():
                found = self.metric(experiment.variants[kind], name)
                if found is not None and not low <= found.mean <= high:
                    yield (
                        f"{self.notebook.name}, {experiment.title}, {kind}: {name} is "
                        f"{found.mean:.4f}; it must lie between {low:g} and {high:g}"
                    )


def metrics_of(experiment: Experiment) -> list[str]:
    """Return the metrics shown in a table: published ones, further ones, and test accuracy."""
    best = ["test accuracy"] if BEST in experiment.variants else []
    return [*dict.fromkeys([*experiment.published, *experiment.shown, *best])]


def is_accuracy(metric: str) -> bool:
    """Return whether a metric is shown in percent."""
    return "accuracy" in metric


def format_statistics(statistics: SeedStatistics | None, percent: bool = True) -> str:
    """Format a mean and its standard deviation; if there is no value, return a dash.

    >>> format_statistics(SeedStatistics((0.91, 0.93)))
    '92.00 ± 1.41 %'
    """
    if statistics is None:
        return "–"
    scale = 100 if percent else 1
    digits = 2 if percent else decimals(statistics.mean)
    text = f"{scale * statistics.mean:,.{digits}f}"
    if len(statistics.values) > 1:
        text += f" ± {scale * statistics.sd:,.{digits}f}"
    return text + (" %" if percent else "")


def decimals(value: float) -> int:
    """Return the number of decimals needed to show four significant digits, at most 6.

    >>> [decimals(value) for value in (21.64, 0.0037, 4e-8, 0.0)]
    [2, 6, 6, 0]
    """
    return max(0, min(6, 3 - math.floor(math.log10(abs(value))))) if value else 0
