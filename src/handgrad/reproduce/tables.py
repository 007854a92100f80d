"""What was found as tables: headings and rows of words, for every kind of report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from handgrad.reproduce.benchmark import NUMPY, OURS, TORCH
from handgrad.reproduce.experiment import Fit
from handgrad.reproduce.findings import Findings, Spread, figures, in_words, is_share
from handgrad.reproduce.notebook import BEST, CORRECTED, KINDS, PUBLISHED, TWIN, Experiment

DASH, MINUS = "–", "\N{MINUS SIGN}"
HEADINGS = ["figure", ">published", ">as published here", "within 2 sd"]
HEADINGS += [">corrected", ">in PyTorch", ">at its best"]
SAME = (
    "All begin with the same weights and take the same images in the same order. Their roundings "
    "differ, and thousands of steps enlarge that: first weights that are larger by a millionth "
    "moved handgrad's own accuracy by up to 1.3 points in online-mlp and 0.6 in fashion-mlp. "
    "Where there is batch normalisation, the notebook's NumPy normalises the test images by "
    "their own statistics, the others by those kept from training."
)


class Table(NamedTuple):
    """A table.

    Attributes:
        title: what stands above it.
        headings: what stands above the columns; one that begins with > is set to the right.
        rows: the cells.
        note: what is said below it; "": nothing.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]
    note: str = ""


def overview(found: Sequence[Findings]) -> Table:
    """Return the table of all accuracies, published and found."""
    rows = [
        [f"{findings.notebook.name}, {experiment.title}: {figure}", *cells]
        for findings in found
        for experiment, figure, cells in _figures(findings)
        if is_share(figure)
    ]
    return Table("What was published, and what comes out here", HEADINGS, rows)


def all_figures(findings: Findings) -> Table:
    """Return the table of a notebook's figures, losses too."""
    rows = [[f"{e.title}: {figure}", *cells] for e, figure, cells in _figures(findings)]
    return Table("All figures", HEADINGS, rows)


def _figures(findings: Findings) -> Iterator[tuple[Experiment, str, list[str]]]:
    """Yield a notebook's figures, each with its experiment and its cells."""
    for experiment in findings.notebook.experiments:
        for figure in figures(experiment):
            yield experiment, figure, _row(findings, experiment, figure)


def _row(findings: Findings, experiment: Experiment, figure: str) -> list[str]:
    """Return the cells of a figure: published, here, whether they agree, and the other parts."""
    share, claim = is_share(figure), experiment.claims.get(figure)
    spreads = {kind: findings.spread(experiment.parts.get(kind), figure) for kind in KINDS}
    said = DASH if claim is None else f"{100 * claim:.2f} %" if share else f"{claim:g}"
    here = spreads[PUBLISHED]
    verdict = DASH
    if claim is not None and here is not None and len(here.values) > 1:
        verdict = "yes" if here.holds(claim) else "no"
    cells = {kind: _cell(findings, spread, share) for kind, spread in spreads.items()}
    return [said, cells[PUBLISHED], verdict, cells[CORRECTED], cells[TWIN], cells[BEST]]


def _cell(findings: Findings, spread: Spread | None, share: bool) -> str:
    """Return a mean with its spread, and how many seeds where they are fewer than asked for."""
    words = in_words(spread, share)
    if spread is not None and len(spread.values) < findings.seeds:
        words += f" ({len(spread.values)} of {findings.seeds} seeds)"
    return words


def times(found: Sequence[Findings]) -> Table:
    """Return the table of times: the whole training by the notebook's arithmetic and by others."""
    rows = []
    for findings in found:
        took = {name: _whole(findings, name) for name in (NUMPY, OURS, TORCH)}
        rows.append(
            [
                findings.notebook.name,
                _clock(findings.notebook.seconds),
                *(_clock(took[name]) for name in (NUMPY, OURS, TORCH)),
                _ratio(took[NUMPY], took[OURS]),
                _ratio(took[TORCH], took[OURS]),
            ]
        )
    headings = ["notebook", ">published", ">the notebook's arithmetic", ">handgrad", ">PyTorch"]
    headings += [">arithmetic / handgrad", ">PyTorch / handgrad"]
    return Table("How long the whole training takes", headings, rows)


def bests(found: Sequence[Findings]) -> Table:
    """Return the table of the trainings at their best."""
    rows = []
    for findings in found:
        for part in (e.parts.get(BEST) for e in findings.notebook.experiments):
            accuracy = findings.spread(part, "test accuracy")
            if isinstance(part, Fit):
                rows.append(
                    [
                        findings.notebook.name,
                        f"{part.recipe.epochs}",
                        _cell(findings, accuracy, share=True),
                    ]
                )
    headings = ["network", ">epochs", ">test accuracy"]
    return Table("At its best", headings, rows)


def tried(findings: Findings) -> Table | None:
    """Return the table of the recipes that the best was chosen from; None: there are none."""
    notebook = findings.notebook
    if not notebook.trials:
        return None
    losses = any(trial.loss is not None for trial in notebook.trials)
    rows = [
        [
            trial.recipe,
            f"{100 * trial.accuracy:.2f} %",
            *[DASH if trial.loss is None else f"{trial.loss:.4f}"] * losses,
            f"{trial.seeds}",
            "yes" * trial.taken,
        ]
        for trial in notebook.trials
    ]
    headings = ["recipe", ">validation accuracy", *[">loss"] * losses, ">seeds", "taken"]
    return Table(f"How the best was chosen, by {notebook.judged}", headings, rows)


def contestants(findings: Findings) -> Table | None:
    """Return the table of those who trained in turns; None: they have not."""
    outcomes = findings.outcomes(findings.notebook.race)
    if not outcomes:
        return None
    figures = outcomes[0].figures
    timed = (name.partition(":")[0] for name in figures if name.endswith(": microseconds"))
    names = [name for name in timed if f"{name}: accuracy" in figures]
    ours, total = figures[f"{OURS}: microseconds"], figures["total"]
    rows = [
        [
            name,
            f"{(mine := figures[f'{name}: microseconds']):,.1f}",
            _clock(mine * total / 1e6),
            f"{mine / ours:.1f}",
            f"{100 * figures[f'{name}: accuracy']:.2f} %",
        ]
        for name in names
    ]
    headings = ["who", ">µs an image", ">the whole training", ">times ours", ">test accuracy then"]
    return Table("In turns, on the same images, from the same weights", headings, rows, SAME)


def errata(findings: Findings) -> Table:
    """Return the table of a notebook's errors."""
    rows = []
    for number, erratum in enumerate(findings.notebook.errata, 1):
        wrong, right = findings.of(erratum)
        words = [_cell(findings, spread, erratum.percent) for spread in (wrong, right)]
        cost = DASH
        if wrong is not None and right is not None:
            points = wrong.mean - right.mean
            cost = f"{100 * points:+.2f} points" if erratum.percent else f"{points:+.4g}"
            cost = cost.replace("-", MINUS)
        rows.append(
            [f"{number}. {erratum.error}", erratum.why, erratum.figure or "nothing", *words, cost]
        )
    headings = ["error", "why it is one", "measured", ">with it", ">without", ">difference"]
    return Table("Its errors, and what each costs", headings, rows)


def remarks(findings: Findings) -> list[str]:
    """Return what is to be said of published figures that were not met."""
    said = []
    for experiment in findings.notebook.experiments:
        for figure, words in experiment.remarks.items():
            here = findings.spread(experiment.parts.get(PUBLISHED), figure)
            if (
                here is not None
                and len(here.values) > 1
                and not here.holds(experiment.claims[figure])
            ):
                said.append(f"{experiment.title}, {figure}: {words}")
    return said


def _whole(findings: Findings, name: str) -> float | None:
    """Return how many seconds the whole training takes one who was timed."""
    for outcome in findings.outcomes(findings.notebook.race):
        if f"{name}: microseconds" in outcome.figures:
            return outcome.figures[f"{name}: microseconds"] * outcome.figures["total"] / 1e6
    return None


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f} min {rest:.1f} s" if minutes else f"{rest:.1f} s"


def _ratio(theirs: float | None, ours: float | None) -> str:
    return DASH if theirs is None or ours is None else f"{theirs / ours:.1f}"
