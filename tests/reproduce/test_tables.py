from dataclasses import replace
from pathlib import Path

from handgrad.reproduce.benchmark import HANDGRAD, NUMPY
from handgrad.reproduce.notebook import NO_METRIC
from handgrad.reproduce.results import NotebookResults
from handgrad.reproduce.runner import digests
from handgrad.reproduce.store import ResultStore
from handgrad.reproduce.tables import (
    _duration,
    bests,
    errata,
    hyperparameter_trials,
    overview,
    remarks,
    short_overview,
    short_times,
    speed,
    times,
)
from tests.reproduce.samples import alone, digits, notebook
from tests.reproduce.test_results import run_notebook


def with_seeds(results: NotebookResults, folder: Path, seeds: int) -> NotebookResults:
    """Return the results as if more seeds had been requested."""
    store = ResultStore(folder, digests({"digits": digits()}), "reference")
    return NotebookResults(results.notebook, store, seeds)


def test_the_overview_compares_published_and_reproduced_values(tmp_path: Path) -> None:
    table = overview([run_notebook(notebook(), tmp_path)])
    (row,) = table.rows
    assert row[:2] == ["small, one hidden layer: test accuracy", "99.00 %"]
    assert row[3] == "no"
    assert row[5] == "–"  # there is no variant in PyTorch
    assert row[2].endswith(" %")
    assert " ± " in row[4]


def test_a_single_seed_does_not_decide_whether_a_value_agrees(tmp_path: Path) -> None:
    (row,) = overview([run_notebook(notebook(), tmp_path, seeds=1)]).rows
    assert row[3] == "–"


def test_the_short_tables_have_the_values_of_the_long_ones(tmp_path: Path) -> None:
    results = [with_seeds(run_notebook(notebook(), tmp_path, seeds=2), tmp_path, 3)]
    (row,), (short,) = overview(results).rows, short_overview(results).rows
    assert [cell.replace("\n", " ") for cell in short] == [*row[:4], row[6]]
    assert all(len(line) <= 15 for cell in short[1:] for line in cell.split("\n"))
    (row,) = short_times(results).rows
    assert row[:2] == ["small", "1m 10.0s"]


def test_each_error_has_its_effect_on_the_metric(tmp_path: Path) -> None:
    accuracy, loss = errata(run_notebook(notebook(), tmp_path)).rows
    assert accuracy[0] == "1. Too slow."
    assert accuracy[5].startswith("−")
    assert accuracy[5].endswith(" points")
    assert loss[5].startswith("+")


def test_missing_seeds_are_counted_beside_an_error(tmp_path: Path) -> None:
    results = with_seeds(run_notebook(notebook(), tmp_path, seeds=1), tmp_path, 3)
    accuracy, _ = errata(results).rows
    assert accuracy[3].endswith("% (1 of 3 seeds)")
    assert accuracy[4].endswith("% (1 of 3 seeds)")


def test_an_error_that_changes_no_metric_has_no_values(tmp_path: Path) -> None:
    book = notebook()
    first = book.errata[0]
    names = replace(first, error="Two names.", metric=NO_METRIC, reference=first.variant)
    (row,) = errata(run_notebook(replace(book, errata=(names,)), tmp_path, seeds=1)).rows
    assert row == ["1. Two names.", names.why, "nothing", "–", "–", "–"]


def test_times_are_those_of_the_whole_training(tmp_path: Path) -> None:
    results = run_notebook(notebook(), tmp_path, seeds=1)
    (row,) = times([results]).rows
    assert row[:2] == ["small", "1 min 10.0 s"]
    (result,) = results.of(results.notebook.benchmark)
    numpy, ours = (result.metrics[f"{name}: microseconds"] for name in (NUMPY, HANDGRAD))
    assert row[5] == f"{numpy / ours:.1f}"
    table = speed(results)
    assert table is not None
    handgrad = next(row for row in table.rows if row[0] == "handgrad")
    assert handgrad[3] == "1.0"
    assert "round differently" in table.note


def test_short_durations_have_two_significant_digits() -> None:
    found = [_duration(seconds) for seconds in (750.0, 59.97, 2.52, 0.34, 0.0342, None)]
    assert found == ["12 min 30.0 s", "1 min 0.0 s", "2.5 s", "0.34 s", "0.034 s", "–"]


def test_a_network_without_a_notebook_has_its_best_variant_only(tmp_path: Path) -> None:
    results = run_notebook(alone(), tmp_path)
    (row,) = bests([results]).rows
    assert row[:2] == ["alone", "2"]
    assert " ± " in row[2]
    (row,) = overview([results]).rows
    assert row[1:6] == ["–"] * 5


def test_the_compared_hyperparameters_are_listed(tmp_path: Path) -> None:
    table = hyperparameter_trials(run_notebook(alone(), tmp_path))
    assert table is not None
    assert table.title.endswith("validated on the last 50")
    assert table.rows == [["slowly", "90.00 %", "2", ""], ["quickly", "91.50 %", "1", "yes"]]
    assert hyperparameter_trials(run_notebook(notebook(), tmp_path)) is None


def test_a_value_that_is_not_reproduced_is_explained(tmp_path: Path) -> None:
    assert remarks(run_notebook(notebook(), tmp_path)) == [
        "one hidden layer, test accuracy: It is too slow."
    ]
