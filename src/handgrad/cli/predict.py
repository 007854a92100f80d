"""`handgrad predict`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from handgrad.cli.options import DataName, Folder, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, show_test_data, table
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.class_names import Label
    from handgrad.data import Dataset
    from handgrad.layers import Array

TOP = 3
DIGITS = 18  # more than any number of images has


class Answer(NamedTuple):
    """What a network says of an image.

    Attributes:
        image: the file, or the number of the test image.
        label: what the test set says it is; None: nobody says.
        probabilities: each class with its probability, the most probable first.
        sure: whether the most probable is probable enough to be an answer.
    """

    image: str
    label: Label | None
    probabilities: list[tuple[Label, float]]
    sure: bool


def predict(
    *,
    run: RunPath,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="PNG, JPEG, GIF or BMP files, or numbers of test images, counted from 0.",
            show_default=False,
        ),
    ],
    invert: Annotated[
        bool,
        typer.Option(
            "--invert", metavar="", help="In files, make light what is dark, and dark light."
        ),
    ] = False,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Prepare files by plain, light or drawing. Default: as the model says.",
            show_default=False,
        ),
    ] = None,
    show_preprocessing: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw what becomes of each file, step by step, as PNG or SVG.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Say what images show, with the most probable classes.

    A file goes the way that the training images went: the model remembers its preprocessing.

    A model of MNIST takes drawings and photographs: dark ink on paper, anywhere, of any size.

    Where `handgrad calibrate` has set a threshold, answers below it are "don't know".

    Look at --show-preprocessing where an answer is strange: it ends in what the network saw.
    """
    from handgrad.files import check_apart
    from handgrad.preprocess import inverted, recipe_named
    from handgrad.runs import load_run, load_test, model_file

    screen = Screen(quiet)
    if show_preprocessing:
        check_apart(show_preprocessing, [model_file(run), *map(Path, images)])
    net, about = load_run(run)
    if verbose:
        show_test_data(screen, about, data, folder)
        screen.info("engine reference")
    prepare = net.preprocessing
    if preprocessing or prepare is None:
        prepare = recipe_named(preprocessing or "plain", net.shape)
    if invert:
        prepare = inverted(prepare)
    test = None
    if any(map(str.isdecimal, images)):
        bar = False if quiet else None
        test = load_test(about, data, folder, progress=bar, preprocessing=net.preprocessing)

    answers, ways = [], []
    for image in images:
        if test is not None and image.isdecimal():
            x, label = _example(test, image)
        else:
            ways.append(prepare.stages(_pixels(image)))
            x, label = ways[-1][-1][1].transpose(2, 0, 1), None
        p = net.predict_proba(x[None])
        sure = net.calibration is None or bool(net.calibration.sure(p)[0])
        ranked = [(net.classes[k], float(p[0, k])) for k in (-p[0]).argsort(stable=True)]
        answers.append(Answer(image, label, ranked, sure))

    if show_preprocessing:
        _draw(ways, show_preprocessing)
    if json:
        screen.json({"predictions": [_plain(answer) for answer in answers]})
    else:
        screen.result(_table(answers))


def _pixels(image: str) -> Array:
    """Return what a file shows."""
    from handgrad.data.formats.decode import read_pixels

    if not os.path.lexists(image):
        raise DataError(
            f"{image}: there is no such file; give an image, or the number of a test image"
        )
    return read_pixels(Path(image))


def _draw(ways: list[list[tuple[str, Array]]], file: Path) -> None:
    """Draw what becomes of each image file."""
    from handgrad import plots

    if not ways:
        raise ConfigError("--show-preprocessing shows what becomes of files; give one")
    plots.save(plots.preprocessing(ways), file)


def _example(test: Dataset, number: str) -> tuple[Array, Label]:
    """Return a test image and its label."""
    if len(number) > DIGITS or int(number) >= len(test):
        said = number if len(number) <= DIGITS else f"{number[:DIGITS]}..."
        raise DataError(
            f"there is no image {said}; {test.name} has those from 0 to {len(test) - 1}"
        )
    X, y = test[int(number)]
    return X, test.classes[int(y)]


def _plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON can hold it."""
    return {
        "image": answer.image,
        "label": answer.label,
        "predicted": answer.probabilities[0][0],
        "sure": answer.sure,
        "probabilities": [{"label": label, "p": p} for label, p in answer.probabilities],
    }


def _table(answers: list[Answer]) -> Table:
    """Return the table of the answers, with the most probable classes of each."""
    count = min(TOP, len(answers[0].probabilities))
    known = any(answer.label is not None for answer in answers)
    headings = ["image", *(["is"] if known else []), "predicted", *[""] * (count - 1)]
    rows = []
    for answer in answers:
        top = [Text(f"{label} {p:.1%}") for label, p in answer.probabilities[:count]]
        if answer.label is not None:
            top[0].stylize("green" if answer.probabilities[0][0] == answer.label else "red")
        if not answer.sure:
            top[0] = Text.assemble("don't know (", top[0], ")")
        label = "" if answer.label is None else answer.label
        rows.append([answer.image, *([label] if known else []), *top])
    return table(headings, rows)
