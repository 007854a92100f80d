"""`handgrad evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from handgrad.cli.options import DataName, Folder, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, show_test_data, table

if TYPE_CHECKING:
    from handgrad.class_names import Label
    from handgrad.data import Dataset
    from handgrad.layers import Array
    from handgrad.network import Network
    from handgrad.train import Evaluation, Robustness

FEW = 1000  # images that are judged before the fastest engine would have set out


def evaluate(
    *,
    run: RunPath,
    robust: Annotated[
        bool,
        typer.Option("--robust", metavar="", help="Also on images damaged in fifteen ways."),
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="compiled, reference or torch. Default: the fastest; reference for few images.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Say how good a trained network is on test images, class by class."""
    import numpy as np

    from handgrad.data.corruptions import CORRUPTIONS
    from handgrad.engines import Rules, engine_named, fastest_engine
    from handgrad.losses import SoftmaxCrossEntropy
    from handgrad.optim import SGD
    from handgrad.runs import load_run, load_test
    from handgrad.train import evaluate, robustness

    screen = Screen(quiet)
    net, about = load_run(run)
    if verbose:
        show_test_data(screen, about, data, folder)
    bar = False if quiet else None
    test = load_test(about, data, folder, progress=bar, preprocessing=net.preprocessing)
    many = len(test) * (1 + robust * len(CORRUPTIONS)) > FEW
    quickest = fastest_engine() if many and net.dtype == np.float32 else "reference"
    either = "auto" if quickest == "compiled" else quickest  # where nothing can be compiled
    judge = engine_named(engine or either, net, Rules(SoftmaxCrossEntropy(), SGD()))
    if verbose:
        screen.info(f"engine {engine or quickest}")
    Z = judge.logits(test.images)
    found = evaluate(net, test, logits=lambda _: Z)
    trust = _trust(net, Z, test)
    hard = robustness(net, test, logits=judge.logits) if robust else None
    if json:
        plain = _plain(found, net.classes) | trust | _plain_robustness(hard)
        screen.json({"run": str(run), "data": test.name} | plain)
    else:
        screen.result(f"{test.name} {found}")
        config = about.get("config")
        screen.result(_words(trust, isinstance(config, dict) and bool(config.get("validation"))))
        screen.result(_table(found, net.classes))
        if hard:
            screen.result(_robustness_table(hard))


def _plain_robustness(hard: Robustness | None) -> dict[str, Any]:
    """Return the accuracy on damaged images as JSON can hold it."""
    if hard is None:
        return {}
    damaged = {name: found.accuracy for name, found in hard.damaged.items()}
    return {"robust": {"accuracy": hard.accuracy, "damaged": damaged}}


def _robustness_table(hard: Robustness) -> Table:
    """Return the table of the accuracy on damaged images, beside that on whole ones."""
    clean = hard.clean.accuracy
    found = [(name, f.accuracy) for name, f in hard.damaged.items()]
    rows = [("none", f"{clean:.2%}", ""), *((n, f"{a:.2%}", f"{a - clean:+.2%}") for n, a in found)]
    mean = ("mean of the damaged", f"{hard.accuracy:.2%}", f"{hard.accuracy - clean:+.2%}")
    return table(["damage", ">accuracy", ">difference"], [*rows, mean])


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


def _words(trust: dict[str, Any], set_aside: bool) -> str:
    """Return `_trust` as a line; a run that set images aside can be calibrated by those."""
    words = f"expected calibration error {trust['calibration_error']:.2%}"
    if not trust["calibrated"]:
        other = "`handgrad calibrate --data`, with images it has not seen,"
        return f"{words}; {'`handgrad calibrate`' if set_aside else other} may make it smaller"
    if not trust["threshold"] or trust["accuracy_of_sure"] is None:
        return words
    return f"{words}; sure of {trust['sure']:.2%}, and {trust['accuracy_of_sure']:.2%} right there"


def _plain(found: Evaluation, classes: tuple[Label, ...]) -> dict[str, Any]:
    """Return an evaluation as JSON can hold it."""
    counts, right = found.confusion.sum(axis=1).tolist(), found.confusion.diagonal().tolist()
    return {
        "images": found.count,
        "right": found.right,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "classes": [
            {"label": label, "images": n, "right": r, "accuracy": r / n if n else None}
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
        rows.append((entry["label"], entry["images"], entry["right"], share, taken))
    return table(["class", ">images", ">right", ">accuracy", "most often taken for"], rows)
