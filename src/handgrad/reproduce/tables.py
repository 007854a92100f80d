"""The results as text tables for the page, the document and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from handgrad.reproduce.benchmark import HANDGRAD, NUMPY, TORCH
from handgrad.reproduce.experiment import Training
from handgrad.reproduce.notebook import (
    BEST,
    CORRECTED,
    PUBLISHED,
    PYTORCH,
    VARIANTS,
    Experiment,
)
from handgrad.reproduce.results import (
    NotebookResults,
    SeedStatistics,
    decimals,
    format_statistics,
    is_accuracy,
    metrics_of,
)

DASH, MINUS = "–", "\N{MINUS SIGN}"
HEADINGS = ["metric", ">published", ">reproduced", "within 2 sd"]
HEADINGS += [">corrected", ">in PyTorch", ">at its best"]
BENCHMARK_NOTE = (
    "All implementations start with the same weights and see the same images in the same order. "
    "They round differently, and thousands of steps amplify the differences: increasing the "
    "initial weights by one part in a million changed handgrad's accuracy by up to 1.3 points for "
    "online-mlp and 0.6 points for fashion-mlp. With batch normalisation, the notebook's NumPy "
    "code normalises the test images with their own statistics; the other implementations use the "
    "running statistics from training."
)


class Table(NamedTuple):
    """A table of text, with a title and an optional note.

    Attributes:
        title: the title above the table.
        headings: the headings of the columns; ">" marks a right-aligned column.
        rows: the cells of each row.
        note: a paragraph below the table, or "" for no paragraph.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]
    note: str = ""


def overview(results: Sequence[NotebookResults]) -> Table:
    """Return the table of all accuracies, published and reproduced."""
    rows = [
        [f"{each.notebook.name}, {experiment.title}: {metric}", *cells]
        for each in results
        for experiment, metric, cells in _metric_rows(each)
        if is_accuracy(metric)
    ]
    return Table("Published and reproduced values", HEADINGS, rows)


def short_overview(results: Sequence[NotebookResults]) -> Table:
    """Return `overview` without the corrected variants, so that it fits into 80 columns."""
    rows = []
    for each in results:
        for experiment, metric, cells in _metric_rows(each):
            if is_accuracy(metric):
                published, reproduced, agrees, *_, best = cells
                values = published, _break_seeds(reproduced), agrees, _break_seeds(best)
                rows.append([f"{each.notebook.name}, {experiment.title}: {metric}", *values])
    headings = ["metric", ">published", ">reproduced", "agrees", ">at its best"]
    return Table("Published and reproduced values", headings, rows)


def all_metrics(results: NotebookResults) -> Table:
    """Return the table of all metrics of a notebook, including the losses."""
    rows = [[f"{e.title}: {metric}", *cells] for e, metric, cells in _metric_rows(results)]
    return Table("All values", HEADINGS, rows)


def _metric_rows(results: NotebookResults) -> Iterator[tuple[Experiment, str, list[str]]]:
    """Yield the metrics of a notebook, each with its experiment and its cells."""
    for experiment in results.notebook.experiments:
        for metric in metrics_of(experiment):
            yield experiment, metric, _cells(results, experiment, metric)


def _cells(results: NotebookResults, experiment: Experiment, metric: str) -> list[str]:
    """Return the table cells of a metric: published, reproduced, agreement, other variants."""
    percent, value = is_accuracy(metric), experiment.published.get(metric)
    found = {kind: results.metric(experiment.variants.get(kind), metric) for kind in VARIANTS}
    published = DASH if value is None else f"{100 * value:.2f} %" if percent else f"{value:g}"
    reproduced = found[PUBLISHED]
    agrees = DASH
    if value is not None and reproduced is not None and len(reproduced.values) > 1:
        agrees = "yes" if reproduced.agrees_with(value) else "no"
    cells = {kind: _cell(results, statistics, percent) for kind, statistics in found.items()}
    return [published, cells[PUBLISHED], agrees, cells[CORRECTED], cells[PYTORCH], cells[BEST]]


def _cell(results: NotebookResults, statistics: SeedStatistics | None, percent: bool) -> str:
    """Return a mean with its standard deviation, and the number of seeds if some are missing."""
    text = format_statistics(statistics, percent)
    if statistics is not None and len(statistics.values) < results.seeds:
        text += f" ({len(statistics.values)} of {results.seeds} seeds)"
    return text


def _break_seeds(cell: str) -> str:
    """Put the number of seeds on a separate line to keep the column narrow."""
    return cell.replace(" (", "\n(")


def times(results: Sequence[NotebookResults]) -> Table:
    """Return the table with the time of the whole training run in each implementation."""
    rows = []
    for each in results:
        seconds = {name: _whole_training(each, name) for name in (NUMPY, HANDGRAD, TORCH)}
        rows.append(
            [
                each.notebook.name,
                _duration(each.notebook.seconds),
                *(_duration(seconds[name]) for name in (NUMPY, HANDGRAD, TORCH)),
                _ratio(seconds[NUMPY], seconds[HANDGRAD]),
                _ratio(seconds[TORCH], seconds[HANDGRAD]),
            ]
        )
    headings = ["notebook", ">published", ">the notebook's NumPy", ">handgrad", ">PyTorch"]
    headings += [">NumPy / handgrad", ">PyTorch / handgrad"]
    return Table("Time of the whole training", headings, rows)


def short_times(results: Sequence[NotebookResults]) -> Table:
    """Return `times` without the ratios, so that it fits into 80 columns."""
    full = times(results)
    headings = ["notebook", ">published", ">NumPy", ">handgrad", ">PyTorch"]
    rows = [
        [row[0], *(cell.replace(" min", "m").replace(" s", "s") for cell in row[1:5])]
        for row in full.rows
    ]
    return Table(full.title, headings, rows)


def bests(results: Sequence[NotebookResults]) -> Table:
    """Return the table of the best variants of the networks."""
    rows = []
    for each in results:
        for variant in (e.variants.get(BEST) for e in each.notebook.experiments):
            accuracy = each.metric(variant, "test accuracy")
            if isinstance(variant, Training):
                cell = _cell(each, accuracy, percent=True)
                rows.append([each.notebook.name, f"{variant.config.epochs}", cell])
    return Table("At its best", ["network", ">epochs", ">test accuracy"], rows)


def hyperparameter_trials(results: NotebookResults) -> Table | None:
    """Return the table of the compared hyperparameters, or None if there were none."""
    notebook = results.notebook
    if not notebook.trials:
        return None
    losses = any(trial.loss is not None for trial in notebook.trials)
    rows = [
        [
            trial.hyperparameters,
            f"{100 * trial.accuracy:.2f} %",
            *[DASH if trial.loss is None else f"{trial.loss:.4f}"] * losses,
            f"{trial.seeds}",
            "yes" * trial.chosen,
        ]
        for trial in notebook.trials
    ]
    headings = ["hyperparameters", ">validation accuracy", *[">loss"] * losses]
    headings += [">seeds", "chosen"]
    title = f"Choice of the best hyperparameters, validated on {notebook.validated_on}"
    return Table(title, headings, rows)


def speed(results: NotebookResults) -> Table | None:
    """Return the table of the speed benchmark, or None if it was not run."""
    found = results.of(results.notebook.benchmark)
    if not found:
        return None
    metrics = found[0].metrics
    timed = (name.partition(":")[0] for name in metrics if name.endswith(": microseconds"))
    names = [name for name in timed if f"{name}: accuracy" in metrics]
    ours, total = metrics[f"{HANDGRAD}: microseconds"], metrics["total"]
    rows = [
        [
            name,
            f"{(mine := metrics[f'{name}: microseconds']):,.1f}",
            _duration(mine * total / 1e6),
            f"{mine / ours:.1f}",
            f"{100 * metrics[f'{name}: accuracy']:.2f} %",
        ]
        for name in names
    ]
    headings = ["implementation", ">µs per image", ">whole training", ">relative to handgrad"]
    headings += [">test accuracy after the benchmark"]
    title = "Speed, with the same images and initial weights for all implementations"
    return Table(title, headings, rows, BENCHMARK_NOTE)


def errata(results: NotebookResults) -> Table:
    """Return the table of a notebook's errors."""
    rows = []
    for number, erratum in enumerate(results.notebook.errata, 1):
        wrong, right = results.erratum(erratum)
        values = [_cell(results, statistics, erratum.percent) for statistics in (wrong, right)]
        cost = DASH
        if wrong is not None and right is not None:
            cost = _difference(wrong.mean - right.mean, erratum.percent)
        metric = erratum.metric or "nothing"
        rows.append([f"{number}. {erratum.error}", erratum.why, metric, *values, cost])
    headings = ["error", "why it is an error", "measured by"]
    headings += [">with it", ">without it", ">difference"]
    return Table("Errors, and the effect of each", headings, rows)


def remarks(results: NotebookResults) -> list[str]:
    """Return the remarks on published values that were not reproduced."""
    found = []
    for experiment in results.notebook.experiments:
        for metric, remark in experiment.remarks.items():
            reproduced = results.metric(experiment.variants.get(PUBLISHED), metric)
            if (
                reproduced is not None
                and len(reproduced.values) > 1
                and not reproduced.agrees_with(experiment.published[metric])
            ):
                found.append(f"{experiment.title}, {metric}: {remark}")
    return found


def _difference(value: float, percent: bool) -> str:
    """Format a signed difference, never in scientific notation."""
    text = f"{100 * value:+.2f} points" if percent else f"{value:+.{decimals(value)}f}"
    return text.replace("-", MINUS)


def _whole_training(results: NotebookResults, name: str) -> float | None:
    """Return the duration of the whole training run in one implementation, in seconds."""
    for result in results.of(results.notebook.benchmark):
        if f"{name}: microseconds" in result.metrics:
            return result.metrics[f"{name}: microseconds"] * result.metrics["total"] / 1e6
    return None


def _duration(seconds: float | None) -> str:
    """Format a time; a time below one second has two significant digits.

    >>> [_duration(s) for s in (750.0, 2.52, 0.034, None)]
    ['12 min 30.0 s', '2.5 s', '0.034 s', '–']
    """
    if seconds is None:
        return DASH
    minutes, rest = divmod(round(seconds, 1), 60)
    if minutes:
        return f"{minutes:.0f} min {rest:.1f} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.{max(1, decimals(seconds) - 2)}f} s"


def _ratio(theirs: float | None, ours: float | None) -> str:
    return DASH if theirs is None or ours is None else f"{theirs / ours:.1f}"
