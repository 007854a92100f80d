from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handgrad.reproduce import Notebook, catalog
from handgrad.reproduce.benchmark import Race
from handgrad.signals import CommandExit
from tests.cli.conftest import Outcome
from tests.reproduce.samples import notebook


@pytest.fixture(autouse=True)
def one_small_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "NOTEBOOKS", {"small": small})


def small(quick: bool) -> Notebook:
    """Return the notebook; its range is missed unless it is quick."""
    book = notebook()
    low = 0.0 if quick else 1.0
    only = replace(book.experiments[0], ranges={("corrected", "test accuracy"): (low, 2.0)})
    return replace(book, experiments=(only,))


def test_a_report_and_what_is_done_is_not_done_again(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "all", "--quick", "--out", "kept", "--write", "docs/r.md")
    assert ended.status == 0
    assert "3 of 3: small, the time, seed 0" in ended.err
    assert "What was published, and what comes out here" in ended.out
    assert "report in kept/report.html" in ended.out
    html = Path("kept/report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert Path("docs/r.md").read_text() == Path("kept/report.md").read_text()

    again = handgrad("reproduce", "small", "--quick", "--out", "kept")
    assert again.status == 0
    assert "3 of 3 pieces are done already, in kept" in again.err
    assert "seed 0" not in again.err

    more = handgrad("reproduce", "--quick", "--seeds", "2", "--out", "kept")
    assert "3 of 5 pieces are done already" in more.err
    assert "5 of 5: small, one hidden layer, corrected, seed 1: " in more.err


def test_a_figure_out_of_its_range_ends_with_status_1(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "--seeds", "1", "--out", "kept")
    assert ended.status == 1
    assert "and must lie between 1 and 2" in ended.err


@pytest.mark.parametrize(("end", "status"), [(KeyboardInterrupt(), 130), (CommandExit(143), 143)])
def test_interrupted_it_says_how_to_go_on(
    handgrad: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
    status: int,
) -> None:
    def interrupted(*_: object) -> None:
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(Race, "run", interrupted)
        ended = handgrad("reproduce", "--quick", "--out", "kept")
    assert ended.status == status
    assert "what is done is kept in kept; the same command goes on from there" in ended.err
    again = handgrad("reproduce", "--quick", "--out", "kept")
    assert "2 of 3 pieces are done already" in again.err
    assert again.status == 0


def test_interrupted_at_the_report_it_says_so_too(
    handgrad: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handgrad.reproduce.report", interrupted)
    words = "what is done is kept in kept; the same command goes on from there"
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
def test_where_nothing_can_be_written_is_said_before_the_work(
    handgrad: Callable[..., Outcome], option: str
) -> None:
    Path("file").write_text("")
    ended = handgrad("reproduce", "--quick", option, "file/deeper")
    assert ended.status == 1
    assert "cannot be written" in ended.err
    assert "seed 0" not in ended.err


def test_another_engine_is_refused(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "--quick", "--engine", "torch")
    assert ended.status == 2
    assert "choose one of auto, compiled, reference" in ended.err


def test_what_is_done_is_reported_without_running_the_rest(
    handgrad: Callable[..., Outcome],
) -> None:
    ended = handgrad("reproduce", "--quick", "--no-run", "--out", "kept")
    assert ended.status == 0
    assert "0 of 3 pieces are done already, in kept" in ended.err
    assert "small, one hidden layer: test accuracy" in ended.out
    assert not list(Path("kept").rglob("*.json"))


def test_an_unknown_notebook(handgrad: Callable[..., Outcome]) -> None:
    ended = handgrad("reproduce", "large")
    assert ended.status == 2
    assert "there is no notebook 'large'; choose of small, or all" in ended.err
