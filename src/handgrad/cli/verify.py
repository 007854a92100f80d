"""`handgrad verify`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from handgrad.cli.exit_codes import FAILURE
from handgrad.cli.options import Json, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from handgrad.export.verify import VerificationResult


def verify(
    *,
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL",
            help="One or more model files, folders of runs, or exported HTML files.",
            show_default=False,
        ),
    ],
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0.0,
            help="Largest allowed difference between an engine's logits and the stored logits, "
            "relative to the size of the logits.",
        ),
    ] = 1e-5,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Also check that this exported page contains the model and reproduces the logits.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Check that every engine reproduces the outputs that are stored in a model file.

    A model file contains a few sample images with their logits, which were stored when it was saved
    (golden outputs). Every engine must reproduce those logits. This detects changes to the weights,
    the class names or the preprocessing.
    """
    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    if html is not None and (len(models) > 1 or models[0].suffix.lower() == ".html"):
        raise ConfigError("--html checks the page of one model; give one model file or run")
    found = {str(model): _verified(model, tolerance, html) for model in models}
    failed = any(isinstance(f, ModelError) or not f.passed for f in found.values())
    if json:
        verified = [{"model": name} | _plain(finding) for name, finding in found.items()]
        screen.json({"models": verified}, ok=not failed)
    elif rows := _rows(found):
        screen.result(table(["model", "engine", ">difference", ""], rows))
    for name, finding in found.items():
        for problem in _problems(name, finding):
            screen.error(problem)
    if failed:
        raise typer.Exit(FAILURE)


def _verified(model: Path, tolerance: float, html: Path | None) -> VerificationResult | ModelError:
    """Return the result of verifying a model, or the error message if the model cannot be read."""
    from handgrad.classifier import read_bundle
    from handgrad.export.verify import verify_bundle, verify_html, verify_page
    from handgrad.runs import model_file

    try:
        if model.suffix.lower() == ".html":
            return verify_page(model, tolerance)
        file = model_file(model)
        bundle = read_bundle(file)
        found = verify_bundle(bundle, tolerance)
        if html is None:
            return found
        return replace(found, answers=(*found.answers, verify_html(bundle, file, html)))
    except ModelError as error:
        return error


def _problems(name: str, finding: VerificationResult | ModelError) -> list[str]:
    """Return one sentence for each part of a model that has changed or cannot be read."""
    if isinstance(finding, ModelError):
        return [str(finding)]
    return [
        f"{name}: its {part} {'have' if part.endswith('s') else 'has'} changed since its reference "
        "outputs were stored"
        for part in finding.changed
    ]


def _rows(found: dict[str, VerificationResult | ModelError]) -> list[list[Any]]:
    """Return the rows of a table, one for each engine and each model that can be read."""
    rows: list[list[Any]] = []
    for name, finding in found.items():
        if isinstance(finding, ModelError):
            continue
        for answer in finding.answers:
            if answer.difference is None:
                rows.append([name, answer.engine, "-", Text(f"not run: {answer.reason}", "dim")])
                continue
            agrees = answer.difference <= finding.tolerance
            verdict = Text("agrees", "green") if agrees else Text("differs", "red")
            rows.append([name, answer.engine, f"{answer.difference:.1e}", verdict])
    return rows


def _plain(finding: VerificationResult | ModelError) -> dict[str, Any]:
    """Return the result of verifying a model as JSON data."""
    if isinstance(finding, ModelError):
        return {"passed": False, "error": str(finding)}
    return {
        "passed": finding.passed,
        "changed": list(finding.changed),
        "tolerance": finding.tolerance,
        "engines": [vars(answer) for answer in finding.answers],
    }
