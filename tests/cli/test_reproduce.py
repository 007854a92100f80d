import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from handgrad.cli.screen import table
from handgrad.reproduce import Notebook, NotebookResults, ResultStore, catalog, digests, report
from handgrad.reproduce.benchmark import SpeedBenchmark
from handgrad.reproduce.tables import overview
from handgrad.signals import CommandExit
from tests.cli.conftest import Outcome
from tests.reproduce.samples import digits, notebook
from tests.reproduce.test_results import run_notebook


@pytest.fixture(autouse=True)
def one_small_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "NOTEBOOKS", {"small": small})


def small(quick: bool) -> Notebook:
    """Return a notebook whose metric is outside its range unless the run is quick."""
    book = notebook()
    low = 0.0 if quick else 1.0
    only = replace(book.experiments[0], ranges={("corrected", "test accuracy"): (low, 2.0)})
    return replace(book, experiments=(only,))


def test_stored_results_are_not_computed_again(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "all", "--quick", "--out", "kept", "--write", "docs/r.md")
    assert ended.status == 0
    assert "3 of 3: small, speed benchmark, seed 0" in ended.err
    assert "Published and reproduced values" in ended.out
    assert "report in kept/report.html" in ended.out
    html = Path("kept/report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert Path("docs/r.md").read_text() == Path("kept/report.md").read_text()

    again = handgrad("reproduce", "small", "--quick", "--out", "kept")
    assert again.status == 0
    assert "3 of 3 results are in kept already" in again.err
    assert "seed 0" not in again.err

    more = handgrad("reproduce", "--quick", "--seeds", "2", "--out", "kept")
    assert "3 of 5 results are in kept already" in more.err
    assert "5 of 5: small, one hidden layer, corrected, seed 1: " in more.err


def test_a_metric_outside_its_range_gives_status_1(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "--seeds", "1", "--out", "kept")
    assert ended.status == 1
    assert "it must lie between 1 and 2" in ended.err


@pytest.mark.parametrize(("end", "status"), [(KeyboardInterrupt(), 130), (CommandExit(143), 143)])
def test_an_interruption_says_how_to_continue(
    handgrad: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
    status: int,
) -> None:
    def interrupted(*_: object) -> None:
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(SpeedBenchmark, "run", interrupted)
        ended = handgrad("reproduce", "--quick", "--out", "kept")
    assert ended.status == status
    assert "the results so far are in kept; run the same command again to continue" in ended.err
    again = handgrad("reproduce", "--quick", "--out", "kept")
    assert "2 of 3 results are in kept already" in again.err
    assert again.status == 0


def test_an_interruption_of_the_report_says_how_to_continue(
    handgrad: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handgrad.reproduce.report", interrupted)
    words = "the results so far are in kept; run the same command again to continue"
    ended = handgrad("reproduce", "--quick", "--no-run", "--out", "kept")
    assert ended.status == 130
    assert words not in ended.err  # nothing is
    assert not Path("kept").exists()
    Path("kept").mkdir()
    Path("kept/notes").touch()
    ended = handgrad("reproduce", "--quick", "--no-run", "--out", "kept")
    assert ended.status == 130
    assert words in ended.err


@pytest.mark.parametrize("option", ["--out", "--write"])
def test_an_unwritable_folder_is_reported_before_the_work_starts(
    handgrad: Callable[..., Outcome], option: str
) -> None:
    Path("file").write_text("")
    ended = handgrad("reproduce", "--quick", option, "file/deeper")
    assert ended.status == 1
    assert "cannot be written" in ended.err
    assert "seed 0" not in ended.err


def test_an_unknown_engine_is_refused(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "--quick", "--engine", "torch")
    assert ended.status == 2
    assert "choose one of auto, compiled, reference" in ended.err


def test_no_run_reports_the_results_so_far(
    handgrad: Callable[..., Outcome],
) -> None:
    ended = handgrad("reproduce", "--quick", "--no-run", "--out", "kept")
    assert ended.status == 0
    assert "0 of 3 results are in kept already" in ended.err
    assert "small, one hidden layer: test accuracy" in ended.out
    assert not list(Path("kept").rglob("*.json"))


def test_an_unknown_notebook_is_refused(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "large")
    assert ended.status == 2
    assert "there is no notebook 'large'; choose one of small, or all" in ended.err


def test_the_tables_fit_into_80_columns(tmp_path: Path) -> None:
    book = notebook()
    longest = replace(book.experiments[0], title="by hand, all images in each step")
    book = replace(book, name="softmax-regression", experiments=(longest,))
    run_notebook(book, tmp_path, seeds=2)
    store = ResultStore(tmp_path, digests({"digits": digits()}), "reference")
    results = [NotebookResults(book, store, seeds) for seeds in (2, 3)]  # with 3, one is missing
    console = Console(width=80, force_terminal=True, file=io.StringIO(), color_system=None)
    for each in report(results, {"digits": digits()}).tables:
        console.print(table(each.headings, each.rows, each.title), soft_wrap=True)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    headings = next(line for line in lines if "published" in line)
    assert "at its best" in headings  # columns, not one line for each value
    for row in overview(results).rows:
        for cell in (row[1], row[2].partition(" (")[0], row[6].partition(" (")[0]):
            assert cell in text
