from dataclasses import replace
from pathlib import Path

from handgrad.reproduce.benchmark import NUMPY, OURS
from handgrad.reproduce.findings import Findings
from handgrad.reproduce.notebook import NOTHING
from handgrad.reproduce.running import digests
from handgrad.reproduce.store import Store
from handgrad.reproduce.tables import bests, contestants, errata, overview, remarks, times, tried
from tests.reproduce.samples import alone, digits, notebook
from tests.reproduce.test_findings import found


def test_the_overview_has_what_was_published_beside_what_came_out(tmp_path: Path) -> None:
    table = overview([found(notebook(), tmp_path)])
    (row,) = table.rows
    assert row[:2] == ["small, one hidden layer: test accuracy", "99.00 %"]
    assert row[3] == "no"
    assert row[5] == "–"  # there is no twin
    assert row[2].endswith(" %")
    assert " ± " in row[4]


def test_a_single_seed_has_no_verdict(tmp_path: Path) -> None:
    (row,) = overview([found(notebook(), tmp_path, seeds=1)]).rows
    assert row[3] == "–"


def test_errors_have_their_cost(tmp_path: Path) -> None:
    accuracy, loss = errata(found(notebook(), tmp_path)).rows
    assert accuracy[0] == "1. Too slow."
    assert accuracy[5].startswith("−")
    assert accuracy[5].endswith(" points")
    assert loss[5].startswith("+")


def test_fewer_seeds_are_said_beside_an_error_too(tmp_path: Path) -> None:
    findings = found(notebook(), tmp_path, seeds=1)
    store = Store(tmp_path, digests({"digits": digits()}), "reference")
    accuracy, _ = errata(Findings(findings.notebook, store, 3)).rows
    assert accuracy[3].endswith("% (1 of 3 seeds)")
    assert accuracy[4].endswith("% (1 of 3 seeds)")


def test_an_error_that_changes_no_figure_is_listed_without_one(tmp_path: Path) -> None:
    book = notebook()
    names = replace(book.errata[0], error="Two names.", figure=NOTHING, against=book.errata[0].part)
    (row,) = errata(found(replace(book, errata=(names,)), tmp_path, seeds=1)).rows
    assert row == ["1. Two names.", names.why, "nothing", "–", "–", "–"]


def test_times_are_those_of_the_whole_training(tmp_path: Path) -> None:
    findings = found(notebook(), tmp_path, seeds=1)
    (row,) = times([findings]).rows
    assert row[:2] == ["small", "1 min 10.0 s"]
    (outcome,) = findings.outcomes(findings.notebook.race)
    numpy, ours = (outcome.figures[f"{name}: microseconds"] for name in (NUMPY, OURS))
    assert row[5] == f"{numpy / ours:.1f}"
    table = contestants(findings)
    assert table is not None
    ours = next(row for row in table.rows if row[0] == "handgrad")
    assert ours[3] == "1.0"
    assert "Their roundings differ" in table.note


def test_a_network_of_ours_has_its_best_alone(tmp_path: Path) -> None:
    findings = found(alone(), tmp_path)
    (row,) = bests([findings]).rows
    assert row[:2] == ["alone", "2"]
    assert " ± " in row[2]
    (row,) = overview([findings]).rows
    assert row[1:6] == ["–"] * 5


def test_what_the_best_was_chosen_from(tmp_path: Path) -> None:
    table = tried(found(alone(), tmp_path))
    assert table is not None
    assert table.title.endswith("by the last 50")
    assert table.rows == [["slowly", "90.00 %", "2", ""], ["quickly", "91.50 %", "1", "yes"]]
    assert tried(found(notebook(), tmp_path)) is None


def test_what_is_not_met_is_explained(tmp_path: Path) -> None:
    assert remarks(found(notebook(), tmp_path)) == [
        "one hidden layer, test accuracy: It is too slow."
    ]
