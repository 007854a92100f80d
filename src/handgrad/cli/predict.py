"""`handgrad predict`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from handgrad.cli.options import (
    DataDir,
    DataName,
    Json,
    Quiet,
    RunPath,
    Verbose,
    load_run_test,
    show_test_data,
)
from handgrad.cli.screen import Screen, table
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.class_names import Label
    from handgrad.data import Dataset
    from handgrad.layers import Array

TOP = 3
MAX_DIGITS = 18  # of the index of a test image


class Prediction(NamedTuple):
    """A prediction for one image.

    Attributes:
        image: the file name, or the index of the test image.
        label: the class in the test set, or None for an image file.
        probabilities: the classes with their probabilities, in descending order.
        is_confident: whether the probability of the predicted class is above the threshold.
        problem: why the image file cannot be classified, such as "nothing drawn", or None.
    """

    image: str
    label: Label | None
    probabilities: list[tuple[Label, float]]
    is_confident: bool
    problem: str | None = None


def predict(
    *,
    run: RunPath,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            help="Image files (PNG, JPEG, GIF, BMP, WebP, TIFF, PGM, PPM or AVIF), or indices of "
            "test images, from 0.",
            show_default=False,
        ),
    ],
    invert: Annotated[
        bool,
        typer.Option("--invert", metavar="", help="Invert light and dark in image files."),
    ] = False,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Preprocessing of image files: plain (resize only), light (grayscale, with a "
            "light object on a dark background) or drawing (for drawings and photographs of a "
            "single character). Default: the preprocessing that is stored in the model.",
            show_default=False,
        ),
    ] = None,
    show_preprocessing: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw every step of the preprocessing of each image file to this PNG or SVG file.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Classify images, and print the most probable classes.

    Image files are preprocessed in the same way as the training images; the preprocessing is stored
    in the model. A model trained on MNIST accepts drawings and photographs of a digit in dark ink
    on light paper, at any position and size. If an answer is unexpected, use --show-preprocessing
    to see the input of the network.

    A blank sheet gets the answer "nothing drawn". If light and dark are swapped in comparison with
    the training images, the answer is "don't know: opposite polarity"; --invert swaps them.

    If `handgrad calibrate` has set a threshold, answers with a lower probability are "don't know".
    """
    from handgrad.files import check_apart
    from handgrad.pixel_range import AS_THEY_ARE, BYTES, RangeLike
    from handgrad.preprocess import inverted, preset_named
    from handgrad.runs import load_run, model_file

    screen = Screen(quiet)
    if show_preprocessing:
        check_apart(show_preprocessing, [model_file(run), *map(Path, images)])
    classifier, about = load_run(run)
    if verbose:
        show_test_data(screen, about, data, data_dir)
        screen.info("engine reference")
    prepare = classifier.preprocessing
    if preprocessing or prepare is None:
        prepare = preset_named(preprocessing or "plain", classifier.shape)
    if invert:
        prepare = inverted(prepare)
    test = None
    if any(map(str.isdecimal, images)):
        test = load_run_test(screen, classifier, about, data, data_dir)

    answers = []
    x_range: RangeLike
    for image in images:
        problem = None
        if test is not None and image.isdecimal():
            (x, label), x_range = _example(test, image), AS_THEY_ARE
        else:
            x, problem = prepare.check(_pixels(image))
            label, x_range = None, BYTES
        p = classifier.predict_proba(x[None], pixel_range=x_range)
        confident = classifier.calibration is None or bool(
            classifier.calibration.is_confident(p)[0]
        )
        ranked = [(classifier.classes[k], float(p[0, k])) for k in (-p[0]).argsort(stable=True)]
        confident = confident and problem is None
        answers.append(Prediction(image, label, ranked, confident, problem))

    if show_preprocessing:
        files = [image for image in images if not image.isdecimal()]
        _draw([prepare.stages(_pixels(file)) for file in files], show_preprocessing)
    if json:
        screen.json({"predictions": [_plain(answer) for answer in answers]})
    else:
        screen.result(_table(answers))


def _pixels(image: str) -> Array:
    """Return the pixels of an image file as an array."""
    from handgrad.data.formats.decode import read_pixels

    if not os.path.lexists(image):
        raise DataError(
            f"{image}: there is no such file; give an image file, or the index of a test image"
        )
    return read_pixels(Path(image))


def _draw(ways: list[list[tuple[str, Array]]], file: Path) -> None:
    """Draw every step of the preprocessing of each image file."""
    from handgrad import plots

    if not ways:
        raise ConfigError("--show-preprocessing needs at least one image file")
    plots.save(plots.preprocessing(ways), file)


def _example(test: Dataset, number: str) -> tuple[Array, Label]:
    """Return the test image at an index, and its label."""
    if len(number) > MAX_DIGITS or int(number) >= len(test):
        shown = number if len(number) <= MAX_DIGITS else f"{number[:MAX_DIGITS]}..."
        raise DataError(f"there is no image {shown}; {test.name} has images 0 to {len(test) - 1}")
    X, y = test[int(number)]
    return X, test.classes[int(y)]


def _plain(answer: Prediction) -> dict[str, Any]:
    """Return the prediction for one image as JSON data."""
    return {
        "image": answer.image,
        "label": answer.label,
        "predicted": answer.probabilities[0][0],
        "confident": answer.is_confident,
        **({"problem": answer.problem} if answer.problem else {}),
        "probabilities": [{"label": label, "p": p} for label, p in answer.probabilities],
    }


def _table(answers: list[Prediction]) -> Table:
    """Return a table of predictions with the most probable classes for each image."""
    count = min(TOP, len(answers[0].probabilities))
    known = any(answer.label is not None for answer in answers)
    headings = ["image", *(["is"] if known else []), "predicted", *[""] * (count - 1)]
    rows = []
    for answer in answers:
        top = [Text(f"{label} {p:.1%}") for label, p in answer.probabilities[:count]]
        if answer.label is not None:
            top[0].stylize("green" if answer.probabilities[0][0] == answer.label else "red")
        if answer.problem == "nothing drawn":
            top = [Text(answer.problem), *[Text()] * (count - 1)]
        elif answer.problem:
            top[0] = Text.assemble(f"don't know: {answer.problem} (", top[0], ")")
        elif not answer.is_confident:
            top[0] = Text.assemble("don't know (", top[0], ")")
        label = "" if answer.label is None else answer.label
        rows.append([answer.image, *([label] if known else []), *top])
    return table(headings, rows)
