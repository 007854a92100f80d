import re
from pathlib import Path

import numpy as np
import pytest

from handgrad.reproduce.catalog import NOTEBOOKS
from handgrad.reproduce.figures import sample
from handgrad.reproduce.report import ReproductionReport, report
from handgrad.reproduce.text import command, machine, provenance
from tests.reproduce.samples import LAYERS, alone, context, digits, notebook
from tests.reproduce.test_results import run_notebook

DATA = {"digits": digits()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ReproductionReport:
    return report([run_notebook(notebook(), tmp_path_factory.mktemp("found"))], DATA, quick=True)


def test_the_page_needs_no_other_file(made: ReproductionReport) -> None:
    html = made.html
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(addresses) > 30
    assert all(a.startswith(("data:image/png;base64,", "#")) for a in addresses)
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)


def test_the_page_shows_images_curves_weights_and_predictions(made: ReproductionReport) -> None:
    html = made.html
    assert re.search(r"\d+ of 10 correct", html)
    assert 'class="right"' in html
    assert "610 parameters: 1 Dense 520, 3 Dense 90" in html
    assert "1 + 1 = 2" in html
    for heading in ("The data", "One image", "Weights of the first layer", "Activations"):
        assert f"<h3>{heading}</h3>" in html or f"<h2>{heading}</h2>" in html
    assert html.count("<figure>") >= 4  # curves and activations


def test_the_markdown_has_the_same_tables(made: ReproductionReport) -> None:
    text = made.markdown
    assert text.startswith(
        "# Five notebooks, reproduced\n\nMade by `handgrad reproduce small --seeds 2 "
        f"--engine reference --quick`. Measured on: {machine()} (5 results)."
    )
    assert "| small, one hidden layer: test accuracy | 99.00 % |" in text
    assert "1. Too slow." in text
    assert text.count("| --- |") >= 3


def test_a_network_without_a_notebook_is_in_the_report(tmp_path: Path) -> None:
    made = report([run_notebook(alone(), tmp_path)], DATA)
    for text in (made.html, made.markdown):
        assert "Without a publication" in text
        assert "quickly" in text
        assert "the effect of each" not in text
    assert "of 10 correct" in made.html
    assert "610 parameters" in made.html


def test_missing_results_are_dashes(tmp_path: Path) -> None:
    from handgrad.reproduce.results import NotebookResults
    from handgrad.reproduce.store import ResultStore

    nothing = NotebookResults(notebook(), ResultStore(tmp_path, {"digits": ""}), 1)
    text = report([nothing], DATA).markdown
    assert "| small, one hidden layer: test accuracy | 99.00 % | – | – | – | – | – |" in text


def test_the_command_names_the_notebooks() -> None:
    assert command([*NOTEBOOKS], 5, "compiled", False).startswith("handgrad reproduce all --seeds")
    assert command(["two-layer", "convnet"], 1, "compiled", True) == (
        "handgrad reproduce two-layer convnet --seeds 1 --engine compiled --quick"
    )


def test_provenance_counts_the_results_of_each_machine() -> None:
    assert provenance([]) == "Nothing has been measured yet."
    assert provenance(["old", "", "old"]) == (
        "Measured on: old (2 results); not recorded (1 result)."
    )


def test_the_sample_is_marked_as_right_or_wrong() -> None:
    net = context().network(LAYERS)
    _, test = digits()
    at = [int(np.random.default_rng(seed).integers(len(test))) for seed in range(12)]
    right = net.logits(test.images[at]).argmax(axis=1) == test.labels[at]
    assert 0 < right.sum() < 12
    for seed in range(12):
        tile = sample(net, test, seed)["tile"]
        assert tile.kind == ("right" if right[seed] else "wrong")
        assert ("✓" in tile.caption) == right[seed]
        assert ("✗" in tile.caption) == (", is " in tile.caption) == (not right[seed])


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    ReproductionReport.write(tmp_path / "deep" / "report.md", "é")
    assert (tmp_path / "deep" / "report.md").read_text(encoding="utf-8") == "é"
