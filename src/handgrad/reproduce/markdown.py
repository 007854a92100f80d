"""The report as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handgrad.reproduce.findings import Findings
from handgrad.reproduce.tables import (
    Table,
    all_figures,
    bests,
    contestants,
    errata,
    overview,
    remarks,
    times,
    tried,
)
from handgrad.reproduce.text import command, introduction, measured


def markdown(found: Sequence[Findings], *, quick: bool = False) -> str:
    """Return the report of what was found.

    Args:
        found: what was found of each notebook.
        quick: whether less was run than the notebooks did.
    """
    names = [findings.notebook.name for findings in found]
    made = command(names, found[0].seeds, found[0].engine, quick) if found else ""
    parts = [
        "# Five notebooks, reproduced",
        f"Made by `{made}`. {measured([m for f in found for m in f.machines()])}",
        *introduction(quick),
        _table(overview(found)),
        _table(times(found)),
        _table(bests(found)),
        *(part for findings in found for part in _notebook(findings)),
    ]
    return "\n\n".join(parts) + "\n"


def _notebook(findings: Findings) -> Iterable[str]:
    """Yield the parts about a notebook."""
    notebook = findings.notebook
    yield f"## `{notebook.name}`: {notebook.title}"
    yield notebook.about
    if notebook.worked:
        yield "\n".join(f"    {line}" for line in notebook.worked)
    yield _table(all_figures(findings), "###")
    if said := remarks(findings):
        yield "\n".join(f"- {words}" for words in said)
    if notebook.errata:
        yield _table(errata(findings), "###")
    for table in (tried(findings), contestants(findings)):
        if table is not None:
            yield _table(table, "###")


def _table(table: Table, level: str = "##") -> str:
    lines = [
        [heading.removeprefix(">") for heading in table.headings],
        ["--:" if heading.startswith(">") else "---" for heading in table.headings],
        *table.rows,
    ]
    body = "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
    note = f"\n\n{table.note}" if table.note else ""
    return f"{level} {table.title}\n\n{body}{note}"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
