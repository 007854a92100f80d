"""The report: one page of HTML that needs nothing else, and the same tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handgrad.files import replacing
from handgrad.reproduce.findings import Findings
from handgrad.reproduce.markdown import markdown
from handgrad.reproduce.page import page
from handgrad.reproduce.running import Data
from handgrad.reproduce.tables import Table, bests, overview, times


@dataclass(frozen=True)
class Report:
    """The report.

    Attributes:
        html: as a page.
        markdown: as a document.
        tables: its tables of all notebooks.
    """

    html: str
    markdown: str
    tables: tuple[Table, ...]

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file, whole or not at all.

        Raises:
            StorageError: if it cannot be written.
        """
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def report(found: Sequence[Findings], data: Data, *, quick: bool = False) -> Report:
    """Return the report of what was found.

    Args:
        found: what was found of each notebook.
        data: the images, by the name of the data.
        quick: whether less was run than the notebooks did.
    """
    tables = overview(found), times(found), bests(found)
    return Report(page(found, data, quick=quick), markdown(found, quick=quick), tables)
