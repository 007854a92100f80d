"""`handgrad verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from handgrad.cli.options import Json, Quiet, Verbose
from handgrad.cli.screen import Screen, note_versions, table

if TYPE_CHECKING:
    from handgrad.verify.golden import Finding


def verify(
    *,
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...", help="Folders of runs, or model files.", show_default=False
        ),
    ],
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="X", min=0.0, help="Largest difference allowed, as a share of the logits."
        ),
    ] = 1e-5,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Let every engine answer a model's golden pictures, and compare with what the file says.

    They lie in the model file, with the logits that the network gave when it was saved.

    A weight, a label or a step of the preparation that was changed since is found.
    """
    from handgrad.bundle import read_bundle
    from handgrad.runs import model_file
    from handgrad.verify.golden import verify_bundle

    screen = Screen(quiet)
    if verbose:
        note_versions(screen)
    found = {
        str(model): verify_bundle(read_bundle(model_file(model)), tolerance) for model in models
    }
    if json:
        screen.json([{"model": name} | _plain(finding) for name, finding in found.items()])
    else:
        screen.result(table(["model", "engine", ">difference", ""], _rows(found)))
    for name, finding in found.items():
        for part in finding.changed:
            screen.error(f"{name}: its {part} are not those that gave the golden answers")
    if not all(finding.passed for finding in found.values()):
        raise typer.Exit(1)


def _rows(found: dict[str, Finding]) -> list[list[Any]]:
    """Return a row for each model and engine."""
    rows: list[list[Any]] = []
    for name, finding in found.items():
        for answer in finding.answers:
            if answer.difference is None:
                rows.append([name, answer.engine, "-", Text(f"not asked: {answer.reason}", "dim")])
                continue
            agrees = answer.difference <= finding.tolerance
            verdict = Text("agrees", "green") if agrees else Text("differs", "red")
            rows.append([name, answer.engine, f"{answer.difference:.1e}", verdict])
    return rows


def _plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON can hold it."""
    return {
        "passed": finding.passed,
        "changed": list(finding.changed),
        "tolerance": finding.tolerance,
        "engines": [vars(answer) for answer in finding.answers],
    }
