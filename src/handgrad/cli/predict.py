"""`handgrad predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from handgrad.cli.options import DataName, Folder, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, note_test, table
from handgrad.errors import DataError

if TYPE_CHECKING:
    from handgrad.data import Dataset
    from handgrad.labels import Label
    from handgrad.layers import Array

TOP = 3
DIGITS = 18  # more than any number of pictures has


class Answer(NamedTuple):
    """What a network says of a picture.

    Attributes:
        picture: the file, or the number of the test picture.
        label: what the test set says it is; None: nobody says.
        probabilities: each class with its probability, the most probable first.
    """

    picture: str
    label: Label | None
    probabilities: list[tuple[Label, float]]


def predict(
    *,
    run: RunPath,
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help="PNG or JPEG files, or numbers of test pictures, counted from 0.",
            show_default=False,
        ),
    ],
    invert: Annotated[
        bool,
        typer.Option(
            "--invert", metavar="", help="In files, make light what is dark, and dark light."
        ),
    ] = False,
    data: DataName = None,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Say what pictures show, with the most probable classes.

    A file is turned as its EXIF entry says, laid on white where it is transparent, and resized.

    Light and dark matter: digits and the MNIST family have light ink on dark ground.

    For dark ink on light paper give --invert; without it the answers mean nothing.
    """
    from handgrad.data.picture_file import read_picture
    from handgrad.runs import load_run, load_test

    screen = Screen(quiet)
    net, about = load_run(run)
    if verbose:
        note_test(screen, about, data, folder)
    test = None
    if any(map(str.isdecimal, pictures)):
        test = load_test(about, data, folder, progress=False if quiet else None)

    answers = []
    for picture in pictures:
        if test is not None and picture.isdecimal():
            x, label = _example(test, picture)
        else:
            x, label = read_picture(Path(picture), net.shape, invert=invert), None
        p = net.predict_proba(x[None])[0]
        ranked = [(net.classes[k], float(p[k])) for k in (-p).argsort(stable=True)]
        answers.append(Answer(picture, label, ranked))

    if json:
        screen.json([_plain(answer) for answer in answers])
    else:
        screen.result(_table(answers))


def _example(test: Dataset, number: str) -> tuple[Array, Label]:
    """Return a test picture and its label."""
    if len(number) > DIGITS or int(number) >= len(test):
        said = number if len(number) <= DIGITS else f"{number[:DIGITS]}..."
        raise DataError(
            f"there is no picture {said}; {test.name} has those from 0 to {len(test) - 1}"
        )
    X, y = test[int(number)]
    return X, test.classes[int(y)]


def _plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON can hold it."""
    return {
        "picture": answer.picture,
        "label": answer.label,
        "predicted": answer.probabilities[0][0],
        "probabilities": [{"label": label, "p": p} for label, p in answer.probabilities],
    }


def _table(answers: list[Answer]) -> Table:
    """Return the table of the answers, with the most probable classes of each."""
    count = min(TOP, len(answers[0].probabilities))
    known = any(answer.label is not None for answer in answers)
    headings = ["picture", *(["is"] if known else []), "predicted", *[""] * (count - 1)]
    rows = []
    for answer in answers:
        top = [Text(f"{label} {p:.1%}") for label, p in answer.probabilities[:count]]
        if answer.label is not None:
            top[0].stylize("green" if answer.probabilities[0][0] == answer.label else "red")
        label = "" if answer.label is None else answer.label
        rows.append([answer.picture, *([label] if known else []), *top])
    return table(headings, rows)
