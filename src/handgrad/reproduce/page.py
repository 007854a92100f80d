"""The report as one HTML page, with its figures inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from handgrad.html import render
from handgrad.reproduce import figures
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
    """Render the report.

    Args:
        found: the results of each notebook.
        data: the images, by the name of the data set.
        quick: whether less was run than in the notebooks.
    """
    provenance = ""
    if found:
        names = [findings.notebook.name for findings in found]
        provenance = f"Made by {command(names, found[0].seeds, found[0].engine, quick)}. "
        provenance += measured([machine for each in found for machine in each.machines()])
    return render(
        "reproduction.html",
        title=TITLE,
        introduction=introduction(quick),
        provenance=provenance,
        overview=[_unbroken(table) for table in (overview(found), times(found), bests(found))],
        notebooks=[_notebook(findings, data) for findings in found],
        activations=figures.activations(),
    )


def _notebook(findings: Findings, data: Data) -> dict[str, Any]:
    """Prepare the values of one notebook for the template."""
    notebook = findings.notebook
    train, test = data[notebook.data]
    tables = [tried(findings), contestants(findings)]
    if notebook.errata:
        tables.insert(0, errata(findings))
    values: dict[str, Any] = {
        "name": notebook.name,
        "title": notebook.title,
        "about": notebook.about,
        "worked": notebook.worked,
        "images": figures.images(train),
        "experiments": [],
        "predictions": None,
        "all_values": _unbroken(all_figures(findings)),
        "remarks": remarks(findings),
        "tables": [_unbroken(table) for table in tables if table is not None],
    }
    for experiment in notebook.experiments:
        curves = figures.curves(findings, experiment)
        net = findings.network(experiment.main)
        if curves or net is not None:
            title = experiment.title[0].upper() + experiment.title[1:]
            parameters = "" if net is None else figures.parameters(net)
            values["experiments"].append(
                {"title": title, "parameters": parameters, "curves": curves}
            )
    net = findings.network(notebook.experiments[0].main)
    if net is not None:
        values["predictions"] = figures.predictions(net, test)
        values["sample"] = figures.sample(net, test)
        values["weights"] = figures.weights(net)
    return values


def _unbroken(table: Table) -> Table:
    """Put no-break spaces between numbers and their units; lines break between numbers only."""
    pattern = " (?=[±%]|min |s$|points)|(?<=[±]) |(?<=min) "
    rows = [[re.sub(pattern, "\N{NO-BREAK SPACE}", cell) for cell in row] for row in table.rows]
    return table._replace(rows=rows)
