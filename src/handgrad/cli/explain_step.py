"""`handgrad explain-step`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from handgrad.cli.options import Folder, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions, table
from handgrad.errors import DataError

if TYPE_CHECKING:
    from handgrad.data import Dataset
    from handgrad.explain import Step, Walk
    from handgrad.network import Network

COLOURS = {"forward": "blue", "loss": "magenta", "backward": "yellow"}


def explain_step(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RUN",
            help="A named architecture, with its starting weights; or the folder of a run, or a "
            "model file.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="digits, mnist, fashion-mnist or kmnist. Default: the run's own; digits.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        int,
        typer.Option("--image", metavar="I", min=0, help="Which test image, counted from 0."),
    ] = 0,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            metavar="",
            help="As in training: dropout drops, batch norm takes the image's own statistics.",
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Decides starting weights, and what is dropped."),
    ] = 0,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a page there instead.", show_default=False
        ),
    ] = None,
    folder: Folder = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Lay one forward and one backward pass of one image open, step by step.

    For each step: the formula, the shapes, the numbers, the gradient that comes and goes.
    """
    from handgrad.explain import page, walk
    from handgrad.files import check_apart, replacing
    from handgrad.runs.folder import MODEL

    screen = Screen(quiet)
    if html is not None:
        check_apart(html, [Path(model), Path(model) / MODEL])
    if verbose:
        show_versions(screen)
    net, test, weights = _network(model, data, folder, seed, progress=False if quiet else None)
    if image >= len(test):
        raise DataError(
            f"there is no image {image}; {test.name} has those from 0 to {len(test) - 1}"
        )
    X, y = test[image]
    label = test.classes[int(y)]
    found = walk(net, X, label, training=training, seed=seed, weights=weights)
    title = f"{model} on image {image} of {test.name}"
    if html is None:
        _print(screen, found, title)
        return
    with replacing(html) as temporary:
        temporary.write_text(page(found, title), encoding="utf-8")
    screen.result(f"page in {html}")


def _network(
    model: str, data: str | None, folder: Path | None, seed: int, progress: bool | None
) -> tuple[Network, Dataset, str]:
    """Return a fresh network by its name, or a run's; the test images; whose weights they are."""
    from handgrad.data import load_data
    from handgrad.models import MODELS, named
    from handgrad.network import Network
    from handgrad.runs import load_run, load_test

    if model not in MODELS and Path(model).exists():
        net, about = load_run(Path(model))
        test = load_test(about, data, folder, progress=progress, preprocessing=net.preprocessing)
        return net, test, f"learned, from {model}"
    layers = named(model)
    train, test = load_data(data or "digits", folder, progress=progress)
    net = Network(layers, train.shape, train.classes, seed=seed)
    net.measure(train.images)
    return net, test, f"untrained, drawn from seed {seed}; name a run to see what it has learned"


def _print(screen: Screen, walk: Walk, title: str) -> None:
    """Print a walk, wrapped to the screen."""
    from handgrad.explain.page import facts

    screen.result(Text(title, style="bold"))
    for name, fact in facts(walk):
        screen.out.print(Text(f"{name}: {fact}"))
    screen.out.print()
    for at, step in enumerate(walk.steps, 1):
        _print_step(screen, at, step)
        if step.way == "loss":
            _print_loss(screen, walk)


def _print_step(screen: Screen, at: int, step: Step) -> None:
    """Print one step."""
    from handgrad.explain.format import shape, words

    head = Text.assemble((f"{at} {step.way} ", f"bold {COLOURS[step.way]}"), (step.name, "bold"))
    screen.out.print(head, Text(step.sentence, style="dim"), sep="\n")
    for part in step.formulas:
        screen.out.print(Padding(Text(part), (0, 0, 0, 4), expand=False))
    rows = ((name, shape(array), words(array)) for name, array in step.arrays.items())
    screen.out.print(table(["array", "shape", "numbers"], rows))


def _print_loss(screen: Screen, walk: Walk) -> None:
    """Print softmax and cross-entropy in numbers."""
    from handgrad.explain.page import HEADINGS, sums, worked

    headings = [HEADINGS[0], *(f">{heading}" for heading in HEADINGS[1:])]
    screen.out.print(table(headings, map(worked, walk.classes)))
    for line in sums(walk):
        screen.out.print(Padding(Text(line), (0, 0, 0, 4), expand=False))
    screen.out.print()
