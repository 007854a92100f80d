"""The report as one page, with its figures inside."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator, Sequence
from html import escape

from handgrad.html import page as framed
from handgrad.html import section
from handgrad.html import table as tabled
from handgrad.reproduce import figures as shown
from handgrad.reproduce.findings import Findings
from handgrad.reproduce.running import Data
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

TITLE = "Five notebooks, reproduced"


def page(found: Sequence[Findings], data: Data, *, quick: bool = False) -> str:
    """Return the report of what was found.

    Args:
        found: what was found of each notebook.
        data: the images, by the name of the data.
        quick: whether less was run than the notebooks did.
    """
    links = "".join(f'<li><a href="#{f.notebook.name}">{f.notebook.name}</a></li>' for f in found)
    made = ""
    if found:
        names = [findings.notebook.name for findings in found]
        made = f"Made by {command(names, found[0].seeds, found[0].engine, quick)}. "
        made += measured([machine for findings in found for machine in findings.machines()])
    content = [
        *(f"<p>{escape(words)}</p>" for words in introduction(quick)),
        f'<p class="soft small">{escape(made)}</p>',
        f'<nav aria-label="Notebooks"><ol>{links}</ol></nav>',
        *(section(t.title, _cells(t)) for t in (overview(found), times(found), bests(found))),
        *(
            section(
                f"{f.notebook.name}: {f.notebook.title}",
                "\n".join(_notebook(f, data)),
                f.notebook.name,
            )
            for f in found
        ),
        section("Activations", shown.activations()),
    ]
    style = importlib.resources.files("handgrad.reproduce").joinpath("page.css").read_text("utf-8")
    return framed(TITLE, "\n".join(content), style)


def _notebook(findings: Findings, data: Data) -> Iterator[str]:
    """Yield the parts about a notebook."""
    notebook = findings.notebook
    train, test = data[notebook.data]
    yield f"<p>{escape(notebook.about)}</p>"
    if notebook.worked:
        lines = "".join(f"<code>{escape(line)}</code>" for line in notebook.worked)
        yield f'<div class="worked">{lines}</div>'
    yield _under("The data", shown.images(train))
    for experiment in notebook.experiments:
        drawn = shown.curves(findings, experiment)
        net = findings.network(experiment.main)
        count = "" if net is None else f'<p class="soft">{escape(shown.parameters(net))}</p>'
        if drawn or count:
            yield _under(experiment.title[0].upper() + experiment.title[1:], count + drawn)
    net = findings.network(notebook.experiments[0].main)
    if net is not None:
        yield _under("What it says of images it has not seen", shown.viewer(net, test))
        yield _under("One image", shown.sample(net, test))
        yield _under("Its first layer's weights", shown.weights(net))
    yield _table(all_figures(findings))
    if said := remarks(findings):
        items = "".join(f"<li>{escape(words)}</li>" for words in said)
        yield f"<p>What is not met, and why:</p><ul>{items}</ul>"
    if notebook.errata:
        yield _table(errata(findings))
    for table in (tried(findings), contestants(findings)):
        if table is not None:
            yield _table(table)


def _under(heading: str, content: str) -> str:
    return f"<h3>{escape(heading)}</h3>\n{content}"


def _table(table: Table) -> str:
    return _under(table.title, _cells(table))


def _cells(table: Table) -> str:
    """Return a table whose numbers stay with their signs; between them a cell may be broken."""
    rows = [[_unbroken(cell) for cell in row] for row in table.rows]
    note = f'<p class="soft small">{escape(table.note)}</p>' if table.note else ""
    return tabled(table.headings, rows) + note


def _unbroken(cell: str) -> str:
    return re.sub(" (?=[±%]|min |s$|points)|(?<=[±]) |(?<=min) ", "\N{NO-BREAK SPACE}", cell)
