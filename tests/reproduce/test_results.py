from dataclasses import replace
from pathlib import Path

import pytest

from handgrad.reproduce.notebook import Notebook
from handgrad.reproduce.results import (
    NotebookResults,
    SeedStatistics,
    decimals,
    format_statistics,
    metrics_of,
)
from handgrad.reproduce.runner import digests, run
from handgrad.reproduce.store import ResultStore, jobs
from tests.reproduce.samples import Listener, digits, notebook


def run_notebook(book: Notebook, folder: Path, seeds: int = 2) -> NotebookResults:
    data = {"digits": digits()}
    store = ResultStore(folder, digests(data), "reference")
    run(jobs([book], seeds), store, data, Listener())
    return NotebookResults(book, store, seeds)


def test_a_value_agrees_within_two_standard_deviations() -> None:
    statistics = SeedStatistics((0.90, 0.92))
    assert statistics.mean == pytest.approx(0.91)
    assert statistics.sd == pytest.approx(0.01 * 2**0.5)
    assert statistics.agrees_with(0.9382)
    assert not statistics.agrees_with(0.9384)


@pytest.mark.parametrize(
    ("values", "percent", "text"),
    [
        ((0.91, 0.93), True, "92.00 ± 1.41 %"),
        ((0.9674,), True, "96.74 %"),
        ((21.64, 21.84), False, "21.74 ± 0.14"),
        ((0.0,), False, "0"),
        ((4e-8,), False, "0.000000"),
        ((8100.0,), False, "8,100"),
    ],
)
def test_statistics_are_formatted_without_exponents(
    values: tuple[float, ...], percent: bool, text: str
) -> None:
    assert format_statistics(SeedStatistics(values), percent) == text


def test_decimals_show_four_significant_digits_at_most_six_decimals() -> None:
    assert [decimals(value) for value in (1234.5, 21.64, 0.5, 0.0037, 4e-8, 0.0)] == [
        *(0, 2, 4, 6, 6, 0)
    ]


def test_no_result_is_a_dash() -> None:
    assert format_statistics(None) == "–"


def test_results_of_a_notebook_are_found(tmp_path: Path) -> None:
    book = notebook()
    results = run_notebook(book, tmp_path)
    corrected = book.experiments[0].variants["corrected"]
    accuracy = results.metric(corrected, "test accuracy")
    assert accuracy is not None
    assert len(accuracy.values) == 2
    assert results.metric(corrected, "no such metric") is None
    assert results.network(corrected) is not None
    assert [*results.violations()] == []
    wrong, right = results.erratum(book.errata[1])
    loss = results.metric(book.experiments[0].variants["published"], "test loss")
    assert wrong is not None
    assert loss is not None
    assert right is not None
    assert wrong.mean == pytest.approx(2 * loss.mean)
    assert right.mean < loss.mean


def test_a_metric_outside_its_range_is_a_violation(tmp_path: Path) -> None:
    book = notebook()
    only = replace(book.experiments[0], ranges={("corrected", "test accuracy"): (0.98, 1.0)})
    results = run_notebook(replace(book, experiments=(only,)), tmp_path, seeds=1)
    (sentence,) = results.violations()
    assert sentence.startswith("small, one hidden layer, corrected: test accuracy is 0.")
    assert sentence.endswith("; it must lie between 0.98 and 1")


def test_metrics_are_the_published_ones_and_the_test_accuracy() -> None:
    assert metrics_of(notebook().experiments[0]) == ["test accuracy"]
