"""The report as one HTML page with embedded figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from handgrad.html import render
from handgrad.reproduce import figures
from handgrad.reproduce.results import NotebookResults
from handgrad.reproduce.runner import Data
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

TITLE = "Five notebooks, reproduced"


def page(results: Sequence[NotebookResults], data: Data, *, quick: bool = False) -> str:
    """Render the report.

    Args:
        results: the results of each notebook.
        data: the images of each data set, by the name of the data set.
        quick: whether fewer epochs and images were used than in the notebooks.
    """
    origin = ""
    if results:
        names = [each.notebook.name for each in results]
        origin = f"Made by {command(names, results[0].seeds, results[0].engine, quick)}. "
        origin += provenance([machine for each in results for machine in each.machines()])
    return render(
        "reproduction.html",
        title=TITLE,
        introduction=introduction(quick),
        provenance=origin,
        overview=[
            _unbroken(table) for table in (overview(results), times(results), bests(results))
        ],
        notebooks=[_notebook(each, data) for each in results],
        activations=figures.activations(),
    )


def _notebook(results: NotebookResults, data: Data) -> dict[str, Any]:
    """Prepare the values of one notebook for the template."""
    notebook = results.notebook
    train, test = data[notebook.data]
    tables = [hyperparameter_trials(results), speed(results)]
    if notebook.errata:
        tables.insert(0, errata(results))
    values: dict[str, Any] = {
        "name": notebook.name,
        "title": notebook.title,
        "about": notebook.about,
        "examples": notebook.examples,
        "images": figures.images(train),
        "experiments": [],
        "predictions": None,
        "all_metrics": _unbroken(all_metrics(results)),
        "remarks": remarks(results),
        "tables": [_unbroken(table) for table in tables if table is not None],
    }
    for experiment in notebook.experiments:
        curves = figures.curves(results, experiment)
        net = results.network(experiment.main)
        if curves or net is not None:
            title = experiment.title[0].upper() + experiment.title[1:]
            parameters = "" if net is None else figures.parameters(net)
            values["experiments"].append(
                {"title": title, "parameters": parameters, "curves": curves}
            )
    net = results.network(notebook.experiments[0].main)
    if net is not None:
        values["predictions"] = figures.predictions(net, test)
        values["sample"] = figures.sample(net, test)
        values["weights"] = figures.weights(net)
    return values


def _unbroken(table: Table) -> Table:
    """Put no-break spaces between numbers and their units, so that lines do not break there."""
    pattern = " (?=[±%]|min |s$|points)|(?<=[±]) |(?<=min) "
    rows = [[re.sub(pattern, "\N{NO-BREAK SPACE}", cell) for cell in row] for row in table.rows]
    return table._replace(rows=rows)
