from dataclasses import replace
from pathlib import Path

import pytest

from handgrad.reproduce.findings import Findings, Spread, figures, in_words
from handgrad.reproduce.notebook import Notebook
from handgrad.reproduce.running import digests, run
from handgrad.reproduce.store import Store, pieces
from tests.reproduce.samples import Listener, digits, notebook


def found(book: Notebook, folder: Path, seeds: int = 2) -> Findings:
    data = {"digits": digits()}
    store = Store(folder, digests(data), "reference")
    run(pieces([book], seeds), store, data, Listener())
    return Findings(book, store, seeds)


def test_a_claim_holds_within_two_standard_deviations() -> None:
    spread = Spread((0.90, 0.92))
    assert spread.mean == pytest.approx(0.91)
    assert spread.sd == pytest.approx(0.01 * 2**0.5)
    assert spread.holds(0.9382)
    assert not spread.holds(0.9384)


@pytest.mark.parametrize(
    ("values", "share", "words"),
    [
        ((0.91, 0.93), True, "92.00 ± 1.41 %"),
        ((0.9674,), True, "96.74 %"),
        ((21.64, 21.84), False, "21.74 ± 0.14"),
        ((0.0,), False, "0"),
        ((8100.0,), False, "8,100"),
    ],
)
def test_numbers_in_words(values: tuple[float, ...], share: bool, words: str) -> None:
    assert in_words(Spread(values), share) == words


def test_nothing_found_is_a_dash() -> None:
    assert in_words(None) == "–"


def test_what_was_run_is_found(tmp_path: Path) -> None:
    book = notebook()
    findings = found(book, tmp_path)
    corrected = book.experiments[0].parts["corrected"]
    spread = findings.spread(corrected, "test accuracy")
    assert spread is not None
    assert len(spread.values) == 2
    assert findings.spread(corrected, "no such figure") is None
    assert findings.network(corrected) is not None
    assert [*findings.troubles()] == []
    wrong, right = findings.of(book.errata[1])
    loss = findings.spread(book.experiments[0].parts["published"], "test loss")
    assert wrong is not None
    assert loss is not None
    assert right is not None
    assert wrong.mean == pytest.approx(2 * loss.mean)
    assert right.mean < loss.mean


def test_a_figure_out_of_its_range_is_said(tmp_path: Path) -> None:
    book = notebook()
    only = replace(book.experiments[0], ranges={("corrected", "test accuracy"): (0.98, 1.0)})
    findings = found(replace(book, experiments=(only,)), tmp_path, seeds=1)
    (sentence,) = findings.troubles()
    assert sentence.startswith("small, one hidden layer, corrected: test accuracy is 0.")
    assert sentence.endswith(", and must lie between 0.98 and 1")


def test_figures_are_those_claimed_and_the_tests() -> None:
    assert figures(notebook().experiments[0]) == ["test accuracy"]
