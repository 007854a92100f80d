"""The report as a Markdown document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handgrad.reproduce.results import NotebookResults
from handgrad.reproduce.tables import (
    Table,
    all_metrics,
    bests,
    errata,
    hyperparameter_trials,
    overview,
    remarks,
    speed,
    times,
)
from handgrad.reproduce.text import command, introduction, provenance


def markdown(results: Sequence[NotebookResults], *, quick: bool = False) -> str:
    """Write the report.

    Args:
        results: the results of all notebooks.
        quick: whether fewer epochs and images were used than in the notebooks.
    """
    names = [each.notebook.name for each in results]
    made = command(names, results[0].seeds, results[0].engine, quick) if results else ""
    parts = [
        "# Five notebooks, reproduced",
        f"Made by `{made}`. {provenance([m for each in results for m in each.machines()])}",
        *introduction(quick),
        _table(overview(results)),
        _table(times(results)),
        _table(bests(results)),
        *(part for each in results for part in _notebook(each)),
    ]
    return "\n\n".join(parts) + "\n"


def _notebook(results: NotebookResults) -> Iterable[str]:
    """Yield the parts of the report about one notebook."""
    notebook = results.notebook
    yield f"## `{notebook.name}`: {notebook.title}"
    yield notebook.about
    if notebook.examples:
        yield "\n".join(f"    {line}" for line in notebook.examples)
    yield _table(all_metrics(results), "###")
    if found := remarks(results):
        yield "\n".join(f"- {remark}" for remark in found)
    if notebook.errata:
        yield _table(errata(results), "###")
    for table in (hyperparameter_trials(results), speed(results)):
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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
