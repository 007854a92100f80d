"""`handgrad evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from handgrad.cli.options import DataName, Folder, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, note_test, table

if TYPE_CHECKING:
    from handgrad.data import Dataset
    from handgrad.labels import Label
    from handgrad.layers import Array
    from handgrad.network import Network
    from handgrad.training import Evaluation


def evaluate(
    *,
    run: RunPath,
    data: DataName = None,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Say how good a trained network is on test pictures, class by class."""
    from handgrad.runs import load_run, load_test
    from handgrad.training import evaluate

    screen = Screen(quiet)
    net, about = load_run(run)
    if verbose:
        note_test(screen, about, data, folder)
    bar = False if quiet else None
    test = load_test(about, data, folder, progress=bar, preparation=net.preparation)
    Z = net.logits(test.pictures)
    found = evaluate(net, test, logits=lambda _: Z)
    trust = _trust(net, Z, test)
    if json:
        screen.json({"run": str(run), "data": test.name} | _plain(found, net.classes) | trust)
    else:
        screen.result(f"{test.name} {found}")
        screen.result(_words(trust))
        screen.result(_table(found, net.classes))


def _trust(net: Network, Z: Array, test: Dataset) -> dict[str, Any]:
    """Return how far the probabilities can be trusted, and the sure answers."""
    from handgrad.calibration import Calibration, reliability

    calibration = net.calibration or Calibration()
    p = calibration.probabilities(Z)
    sure = calibration.sure(p)
    right = p.argmax(axis=1) == test.labels
    return {
        "calibrated": net.calibration is not None,
        "calibration_error": reliability(p, test.labels).error,
        "threshold": calibration.threshold,
        "sure": float(sure.mean()),
        "accuracy_of_sure": float(right[sure].mean()) if sure.any() else None,
    }


def _words(trust: dict[str, Any]) -> str:
    """Return `_trust` as a line."""
    words = f"expected calibration error {trust['calibration_error']:.2%}"
    if not trust["calibrated"]:
        return f"{words}; `handgrad calibrate` makes it smaller"
    if not trust["threshold"] or trust["accuracy_of_sure"] is None:
        return words
    return f"{words}; sure of {trust['sure']:.2%}, and {trust['accuracy_of_sure']:.2%} right there"


def _plain(found: Evaluation, classes: tuple[Label, ...]) -> dict[str, Any]:
    """Return an evaluation as JSON can hold it."""
    counts, right = found.confusion.sum(axis=1).tolist(), found.confusion.diagonal().tolist()
    return {
        "pictures": found.count,
        "right": found.right,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "classes": [
            {"label": label, "pictures": n, "right": r, "accuracy": r / n if n else None}
            for label, n, r in zip(classes, counts, right, strict=True)
        ],
        "confusion": found.confusion.tolist(),
    }


def _table(found: Evaluation, classes: tuple[Label, ...]) -> Table:
    """Return the table of the classes."""
    mistakes = found.confusion.copy()
    mistakes[range(len(classes)), range(len(classes))] = 0
    rows = []
    for k, entry in enumerate(_plain(found, classes)["classes"]):
        worst = int(mistakes[k].argmax())
        taken = f"{classes[worst]} ({mistakes[k, worst]})" if mistakes[k, worst] else ""
        share = "-" if entry["accuracy"] is None else f"{entry['accuracy']:.2%}"
        rows.append((entry["label"], entry["pictures"], entry["right"], share, taken))
    return table(["class", ">pictures", ">right", ">accuracy", "most often taken for"], rows)
