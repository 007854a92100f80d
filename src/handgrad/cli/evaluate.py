"""`handgrad evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from handgrad.cli.options import (
    DataDir,
    DataName,
    Json,
    Quiet,
    RunPath,
    Verbose,
    load_run_test,
    show_test_data,
    warn_of_unknown_range,
)
from handgrad.cli.screen import Screen, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handgrad.class_names import Label
    from handgrad.classifier import Classifier
    from handgrad.data import Dataset
    from handgrad.layers import Array
    from handgrad.train import Evaluation, Robustness


def evaluate(
    *,
    run: RunPath,
    robust: Annotated[
        bool,
        typer.Option(
            "--robust",
            metavar="",
            help="Also evaluate on images with fifteen kinds of corruption, such as noise.",
        ),
    ] = False,
    ood_data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Also measure how many of these images, which are of other kinds (such as "
            "letters for a model of digits), are rejected: a folder, a table, or the name of a "
            "standard data set.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Engine: compiled, reference or torch. Default: reference for few images, "
            "otherwise the fastest engine available.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Evaluate a trained model, and print its accuracy for each class.

    Without --data, the test images of the run are used. With the path of your own images, all
    images are used, whether or not they are divided into splits; classes may be missing. With the
    name of a standard data set, its test images are used.

    Images that the model was trained on are recognized by their content and counted separately.
    """
    from handgrad.classifier import logits_function
    from handgrad.data.corruptions import CORRUPTIONS
    from handgrad.engines import TrainConfig, engine_named
    from handgrad.engines.inference import engine_for
    from handgrad.optim import SGD
    from handgrad.runs import (
        knows_all_training_images,
        load_all,
        load_ood,
        load_run,
        model_file,
        used_in_training,
    )
    from handgrad.train import evaluate, robustness
    from handgrad.train.rejection import measure_rejection

    screen = Screen(quiet)
    classifier, about = load_run(run)
    net = classifier.network
    if data is not None or ood_data is not None:
        warn_of_unknown_range(screen, classifier)
    if verbose:
        show_test_data(screen, about, data, data_dir)
    test = (
        load_run_test(screen, classifier, about, data, data_dir)
        if data is None
        else load_all(data, classifier, data_dir, screen.progress)
    )
    count = len(test) * (1 + robust * len(CORRUPTIONS))
    if verbose:
        screen.info(f"engine {engine or engine_for(net, count)}")
    classifier.expect(count)
    logits: Callable[[NDArray[Any]], Array] = (
        engine_named(engine, net, TrainConfig(optimizer=SGD())).logits
        if engine
        else logits_function(classifier)
    )
    X = classifier.pixels(test)
    Z = logits(X)
    found = evaluate(classifier, test, logits=lambda _: Z)
    calibration = _calibration(classifier, Z, test)
    seen = used_in_training(model_file(run), about, classifier, test, data)
    all_known = seen is not None and knows_all_training_images(about)
    new = _images_seen(seen, all_known, Z.argmax(axis=1) == test.labels)
    hard = robustness(classifier, test, logits=logits) if robust else None
    rejected = None
    if ood_data is not None:
        others = load_ood(ood_data, classifier, data_dir, screen.progress)
        rejected = measure_rejection(classifier, (X, Z), (others, logits(others)))
    plain = _plain(found, classifier.classes) | new | calibration | _plain_robustness(hard)
    if json:
        ood = {} if rejected is None else {"ood": {"data": ood_data} | rejected.to_json()}
        screen.json({"run": str(run), "data": test.name} | plain | ood)
    else:
        screen.result(f"{test.name} {found}")
        if data is not None or new["trained_on"]:
            screen.result(_words_seen(new, found.count))
        screen.result(_words(calibration, about))
        screen.result(_table(found, classifier.classes))
        for more in (hard and _robustness_table(hard), rejected and f"{ood_data}: {rejected}"):
            if more:
                screen.result(more)
    _warn_of_failure(screen, found)


def _warn_of_failure(screen: Screen, found: Evaluation) -> None:
    """Print a warning if an evaluation shows that training failed."""
    if found.failure:
        screen.warning(
            f"{found.failure}; either the training failed, or these images are not like the "
            "training images"
        )


def _images_seen(
    seen: NDArray[np.bool_] | None, all_known: bool, correct: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return how many images the model was trained on, and the accuracy on the others."""
    known = {"all_training_images_known": all_known}
    if seen is None:
        return known | {"trained_on": None, "accuracy_of_others": None}
    others = correct[~seen]
    return known | {
        "trained_on": int(seen.sum()),
        "accuracy_of_others": float(others.mean()) if others.size else None,
    }


def _words_seen(new: dict[str, Any], count: int) -> str:
    """Format the result of `_images_seen` for `count` images as one line of text."""
    known = new["trained_on"]
    if known is None:
        return (
            "it is unknown whether the model was trained on some of these images, because the "
            "model file has no list of its training images beside it"
        )
    if not new["all_training_images_known"]:
        return (
            f"the model was trained on at least {known:,} of these {count:,} images; it continued "
            "the training of a model whose training images are not all known"
        )
    if not known:
        return f"the model was trained on 0 of these {count:,} images"
    words = f"the model was trained on {known:,} of these {count:,} images"
    if new["accuracy_of_others"] is None:
        return f"{words}, so this accuracy says nothing about new images"
    return f"{words}; accuracy on the other {count - known:,}: {new['accuracy_of_others']:.2%}"


def _plain_robustness(hard: Robustness | None) -> dict[str, Any]:
    """Return the accuracy for each kind of corruption as JSON data."""
    if hard is None:
        return {}
    corrupted = {name: found.accuracy for name, found in hard.corrupted.items()}
    return {"robust": {"accuracy": hard.accuracy, "corrupted": corrupted}}


def _robustness_table(hard: Robustness) -> Table:
    """Return a table of the accuracy on the original images and on corrupted ones."""
    clean = hard.clean.accuracy
    found = [(name, f.accuracy) for name, f in hard.corrupted.items()]
    rows = [("none", f"{clean:.2%}", ""), *((n, f"{a:.2%}", f"{a - clean:+.2%}") for n, a in found)]
    mean = ("mean over corruptions", f"{hard.accuracy:.2%}", f"{hard.accuracy - clean:+.2%}")
    return table(["corruption", ">accuracy", ">difference"], [*rows, mean])


def _calibration(classifier: Classifier, Z: Array, test: Dataset) -> dict[str, Any]:
    """Return the calibration error and the counts of confident answers as JSON data."""
    from handgrad.calibration import Calibration, reliability

    calibration = classifier.calibration or Calibration()
    p = calibration.probabilities(Z)
    confident = calibration.is_confident(p)
    correct = p.argmax(axis=1) == test.labels
    return {
        "calibrated": classifier.calibration is not None,
        "calibration_error": reliability(p, test.labels).error,
        "threshold": calibration.threshold,
        "confident": float(confident.mean()),
        "accuracy_of_confident": float(correct[confident].mean()) if confident.any() else None,
    }


def _words(found: dict[str, Any], about: Mapping[str, Any]) -> str:
    """Format the result of `_calibration` as one line of text."""
    config = about.get("config")
    has_validation = isinstance(config, Mapping) and bool(config.get("validation"))
    words = f"expected calibration error {found['calibration_error']:.2%}"
    if not found["calibrated"]:
        other = "`handgrad calibrate --data` with images that it was not trained on"
        return f"{words}; {'`handgrad calibrate`' if has_validation else other} may reduce it"
    if not found["threshold"] or found["accuracy_of_confident"] is None:
        return words
    return (
        f"{words}; {found['confident']:.2%} of the answers are confident, and "
        f"{found['accuracy_of_confident']:.2%} of these are correct"
    )


def _plain(found: Evaluation, classes: tuple[Label, ...]) -> dict[str, Any]:
    """Return the evaluation of a model as JSON data."""
    counts, correct = found.confusion.sum(axis=1).tolist(), found.confusion.diagonal().tolist()
    return {
        "images": found.count,
        "correct": found.correct,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "classes": [
            {"label": label, "images": n, "correct": r, "accuracy": r / n if n else None}
            for label, n, r in zip(classes, counts, correct, strict=True)
        ],
        "confusion": found.confusion.tolist(),
    }


def _table(found: Evaluation, classes: tuple[Label, ...]) -> Table:
    """Return a table of the accuracy for each class."""
    mistakes = found.confusion.copy()
    mistakes[range(len(classes)), range(len(classes))] = 0
    rows = []
    for k, entry in enumerate(_plain(found, classes)["classes"]):
        worst = int(mistakes[k].argmax())
        taken = f"{classes[worst]} ({mistakes[k, worst]})" if mistakes[k, worst] else ""
        share = "-" if entry["accuracy"] is None else f"{entry['accuracy']:.2%}"
        rows.append((entry["label"], entry["images"], entry["correct"], share, taken))
    return table(["class", ">images", ">correct", ">accuracy", "most often mistaken for"], rows)
