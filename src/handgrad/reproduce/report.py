"""The report: a self-contained HTML page, and the same tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handgrad.files import replacing
from handgrad.reproduce.markdown import markdown
from handgrad.reproduce.page import page
from handgrad.reproduce.results import NotebookResults
from handgrad.reproduce.runner import Data
from handgrad.reproduce.tables import Table, bests, short_overview, short_times


@dataclass(frozen=True)
class ReproductionReport:
    """The report in its different formats.

    Attributes:
        html: the HTML page.
        markdown: the Markdown document.
        tables: the most important tables, narrow enough for a terminal of 80 columns.
    """

    html: str
    markdown: str
    tables: tuple[Table, ...]

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file completely or not at all.

        Raises:
            StorageError: if the file cannot be written.
        """
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def report(
    results: Sequence[NotebookResults], data: Data, *, quick: bool = False
) -> ReproductionReport:
    """Create the report in all its formats.

    Args:
        results: the results of each notebook.
        data: the images of each data set, by the name of the data set.
        quick: whether fewer epochs and images were used than in the notebooks.
    """
    tables = short_overview(results), short_times(results), bests(results)
    return ReproductionReport(
        page(results, data, quick=quick), markdown(results, quick=quick), tables
    )
