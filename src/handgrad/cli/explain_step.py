"""`handgrad explain-step`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from handgrad.cli.options import (
    NAMED_DATA,
    DataDir,
    ModelOrRun,
    Quiet,
    Verbose,
    load_run_test,
)
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.data import Dataset
    from handgrad.explain import ExplainedStep, Explanation

COLOURS = {"forward": "blue", "loss": "magenta", "backward": "yellow"}


def explain_step(
    *,
    model: ModelOrRun,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help=f"Name of a data set ({NAMED_DATA}), or the path of your own images. Default: the "
            "data set of the run, or digits if you give the name of a network.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        int,
        typer.Option("--image", metavar="I", min=0, help="Index of the test image, from 0."),
    ] = 0,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            metavar="",
            help="Run the layers in training mode: dropout is active, and batch norm uses the "
            "statistics of this one image.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Seed of the initial weights and of dropout. Default: 0.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write an HTML page to this file instead of printing text.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Explain the forward and the backward pass for one image, step by step.

    The output shows, for each step, its formulas and the shapes and values of its arrays and
    gradients.
    """
    from handgrad.classifier import MODEL
    from handgrad.explain import explain_step as explain
    from handgrad.explain import page
    from handgrad.files import check_apart, replacing

    screen = Screen(quiet)
    if html is not None:
        check_apart(html, [Path(model), Path(model) / MODEL])
    if verbose:
        show_versions(screen)
    classifier, test, weights = _classifier(screen, model, data, data_dir, seed or 0)
    if seed is not None and not training and weights.startswith("trained"):
        raise ConfigError(
            f"--seed has no effect on {model}, which is trained; remove --seed, or add --training"
        )
    if image >= len(test):
        raise DataError(f"there is no image {image}; {test.name} has images 0 to {len(test) - 1}")
    X, y = test[image]
    label = test.classes[int(y)]
    found = explain(classifier, X, label, training=training, seed=seed or 0, weights=weights)
    title = f"{model} on image {image} of {test.name}"
    if html is None:
        _print(screen, found, title)
        return
    with replacing(html) as temporary:
        temporary.write_text(page(found, title), encoding="utf-8")
    screen.result(f"page in {html}")


def _classifier(
    screen: Screen, model: str, data: str | None, data_dir: Path | None, seed: int
) -> tuple[Classifier, Dataset, str]:
    """Return a classifier, the test images, and a text that says where its weights come from."""
    from handgrad.classifier import Classifier
    from handgrad.data import load_data
    from handgrad.models import MODELS, named
    from handgrad.runs import load_run

    if model not in MODELS and Path(model).exists():
        classifier, about = load_run(Path(model))
        test = load_run_test(screen, classifier, about, data, data_dir)
        return classifier, test, f"trained, from {model}"
    layers = named(model)
    train, test = load_data(data or "digits", data_dir, progress=screen.progress)
    classifier = Classifier.for_data(layers, train, seed=seed)
    classifier.network.fit_statistics(train.images)
    return classifier, test, f"untrained, from seed {seed}; name a run to explain a trained model"


def _print(screen: Screen, explained: Explanation, title: str) -> None:
    """Print an explanation, and wrap its lines to the width of the screen."""
    from handgrad.explain.page import facts

    screen.result(Text(title, style="bold"))
    for name, fact in facts(explained):
        screen.out.print(Text(f"{name}: {fact}"))
    screen.out.print()
    for at, step in enumerate(explained.steps, 1):
        _print_step(screen, at, step)
        if step.phase == "loss":
            _print_loss(screen, explained)


def _print_step(screen: Screen, at: int, step: ExplainedStep) -> None:
    """Print one step of an explanation."""
    from handgrad.explain.format import shape, words

    head = Text.assemble(
        (f"{at} {step.phase} ", f"bold {COLOURS[step.phase]}"), (step.name, "bold")
    )
    screen.out.print(head, Text(step.sentence, style="dim"), sep="\n")
    for part in step.formulas:
        screen.out.print(Padding(Text(part), (0, 0, 0, 4), expand=False))
    rows = ((name, shape(array), words(array)) for name, array in step.arrays.items())
    screen.out.print(table(["array", "shape", "numbers"], rows))


def _print_loss(screen: Screen, explained: Explanation) -> None:
    """Print a table of the values of softmax and cross-entropy for each class."""
    from handgrad.explain.page import HEADINGS, sums, worked

    headings = [HEADINGS[0], *(f">{heading}" for heading in HEADINGS[1:])]
    screen.out.print(table(headings, map(worked, explained.terms)))
    for line in sums(explained):
        screen.out.print(Padding(Text(line), (0, 0, 0, 4), expand=False))
    screen.out.print()
