"""`handgrad predict`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.exit_codes import FAILURE
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
from handgrad.cli.predictions_shown import all_to_json, show_answers, show_problems
from handgrad.cli.screen import Screen
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.data import Dataset
    from handgrad.prediction import Job, Prediction, Sources
    from handgrad.preprocess import Preprocessing

TOP = 3
MAX_DIGITS = 18  # of the index of a test image
DRAWN = 100  # images of which --show-preprocessing draws the steps, at most


def predict(
    *,
    run: RunPath,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            help="Image files, folders of image files, tables or array files with images, or "
            "indices of test images, from 0.",
            show_default=False,
        ),
    ],
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Write one line per image to this CSV file. If the command is interrupted, run it "
            "again to continue.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Columns of the CSV file: file, name, stem, index, id, true, label, probability, "
            "sure, reason, label2, probability2, ... HEADING=NAME sets a heading, as in "
            "ImageId=id,Label=label.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help=f"Number of most probable classes to show. Default: {TOP}; with --json all.",
            show_default=False,
        ),
    ] = None,
    invert: Annotated[
        bool,
        typer.Option("--invert", metavar="", help="Invert light and dark in the images."),
    ] = False,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Preprocessing of the images: plain (resize only), light (grayscale, with a "
            "light object on a dark background) or drawing (for drawings and photographs of a "
            "single character). Default: the preprocessing that is stored in the model, for image "
            "files, and for arrays if the model was trained on preprocessed arrays.",
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
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Write the features of each image, the input of the last Dense layer, to this NPZ "
            "file, with the file name, the label if it is known, and the prediction.",
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

    The answer is "don't know" if the image is unlike the training data, or if the probability is
    below the threshold that `handgrad calibrate` has stored.

    If several images are given and some cannot be read, the others are classified, and the exit
    status is 1.
    """
    from handgrad.engines.inference import engine_for
    from handgrad.prediction import Job, write_features
    from handgrad.runs import load_run, model_file

    screen = Screen(quiet)
    files = [Path(image) for image in images if not image.isdecimal()]
    has_index = len(files) < len(images)
    if (data is not None or data_dir is not None) and not has_index:
        raise ConfigError(
            "--data and --data-dir choose the test images that indices refer to, but no index is "
            "given; give one, such as 0, or leave out these options"
        )
    _check_outputs(csv, columns, features)
    _check_apart([csv, show_preprocessing, features], [model_file(run), *files])
    classifier, about = load_run(run)
    warn_of_unknown_range(screen, classifier)
    if verbose:
        show_test_data(screen, about, data, data_dir)
    test = load_run_test(screen, classifier, about, data, data_dir) if has_index else None
    found = _find(images, test, classifier)
    count = min(top or TOP, len(classifier.classes))
    job = Job(
        classifier,
        found.sources,
        _preprocessing(classifier, preprocessing, invert),
        preprocess_rows=invert or preprocessing is not None,
        top=None if json and top is None else count,
    )
    if verbose:
        screen.info(f"engine {engine_for(classifier.network, job.count)}")
    for note in found.notes:
        screen.info(note)
    if show_preprocessing:
        _draw(job, show_preprocessing)
    answers = _classify(screen, job) if csv is None else _write(screen, job, files, csv, columns)
    if features:
        write_features(job, answers, features)

    broken = [answer for answer in answers if answer.error]
    if broken and len(answers) == 1:
        raise DataError(broken[0].error)
    if json:
        screen.json(all_to_json(answers, found.skipped), ok=not broken)
    else:
        show_answers(screen, answers, classifier.classes, count, csv)
    show_problems(screen, broken, found.skipped)
    if broken:
        raise typer.Exit(FAILURE)


def _check_outputs(csv: Path | None, columns: str | None, features: Path | None) -> None:
    """Raise a ConfigError if there are columns without a file, or features in another format."""
    from handgrad.features import check_feature_file

    if columns is not None and csv is None:
        raise ConfigError("--columns needs --csv FILE, the file with these columns")
    if features is not None:
        check_feature_file(features)


def _check_apart(outputs: list[Path | None], inputs: list[Path]) -> None:
    """Raise a ConfigError if an output file is one of the input files."""
    from handgrad.files import check_apart

    for output in outputs:
        if output is not None:
            check_apart(output, inputs)


def _find(images: list[str], test: Dataset | None, classifier: Classifier) -> Sources:
    """Find the images that the command's arguments stand for, in the order of the arguments."""
    from handgrad.files import expanded
    from handgrad.prediction import ImageRows, Sources, find_images, known_labels, merged

    all_found = Sources([], [], [])
    for image in images:
        if test is not None and image.isdecimal():
            one = test.take([_index(test, image)])
            row = ImageRows(classifier.pixels(one), [image], [test.classes[int(one.labels[0])]])
            all_found.sources.append(row)
            continue
        path = expanded(image)
        if not os.path.lexists(path):
            raise DataError(
                f"{image}: there is no such file; give an image file, or the index of a test image"
            )
        found = find_images(path, classifier)
        all_found.sources.extend(found.sources)
        all_found.notes.extend(found.notes)
        all_found.skipped.extend(found.skipped)
    sources = known_labels(merged(all_found.sources), classifier.classes)
    return all_found._replace(sources=sources)


def _index(test: Dataset, number: str) -> int:
    """Return a number from the command line as the index of a test image."""
    if len(number) > MAX_DIGITS or int(number) >= len(test):
        shown = number if len(number) <= MAX_DIGITS else f"{number[:MAX_DIGITS]}..."
        raise DataError(f"there is no image {shown}; {test.name} has images 0 to {len(test) - 1}")
    return int(number)


def _preprocessing(classifier: Classifier, name: str | None, invert: bool) -> Preprocessing:
    """Return the preprocessing of image files."""
    from handgrad.preprocess import inverted, preset_named

    chosen = classifier.preprocessing
    if name or chosen is None:
        chosen = preset_named(name or "plain", classifier.shape)
    return inverted(chosen) if invert else chosen


def _classify(screen: Screen, job: Job) -> list[Prediction]:
    """Classify the images."""
    with _bar(screen, job.count, 0) as bar:
        return [answer for answers in job.run() for answer in bar(answers)]


def _write(
    screen: Screen, job: Job, inputs: list[Path], csv: Path, columns: str | None
) -> list[Prediction]:
    """Classify the images, and write a CSV file when all are done.

    Until then, the answers are in a file next to it, so that the same command can continue.
    """
    from handgrad.files import check_can_write
    from handgrad.prediction import Journal, check_columns, default_columns, write_csv

    count = job.top or len(job.classifier.classes)
    chosen = check_columns(columns or default_columns(count, job.has_labels), count)
    check_can_write(csv)
    journal = Journal(csv.with_name(f"{csv.name}.part"), job.digest(inputs))
    with journal.opened():
        done = len(journal.predictions)
        if done:
            screen.info(f"{done:,} of {job.count:,} images were classified before; continuing")
        try:
            with _bar(screen, job.count, done) as bar:
                for answers in job.run(done):
                    journal.add(bar(answers))
        except (KeyboardInterrupt, SystemExit):
            done = len(journal.predictions)
            screen.info(
                f"{done:,} of {job.count:,} images are classified; run the same command again to "
                "continue"
            )
            raise
        write_csv(csv, journal.predictions, chosen)
        journal.remove()
    return journal.predictions


@contextmanager
def _bar(
    screen: Screen, total: int, done: int
) -> Iterator[Callable[[list[Prediction]], list[Prediction]]]:
    """Yield a function that advances a progress bar by some answers, and returns the answers."""
    from tqdm import tqdm

    with tqdm(
        total=total,
        initial=done,
        desc="predicting",
        unit=" images",
        delay=0.5,
        disable=None if screen.progress is None else not screen.progress,
    ) as bar:

        def advance(answers: list[Prediction]) -> list[Prediction]:
            bar.update(len(answers))
            return answers

        yield advance


def _draw(job: Job, file: Path) -> None:
    """Draw every step of the preprocessing of each image file."""
    from handgrad import plots
    from handgrad.data.formats.decode import read_pixels

    paths = job.paths
    if not paths:
        raise ConfigError("--show-preprocessing needs at least one image file")
    if len(paths) > DRAWN:
        raise ConfigError(
            f"--show-preprocessing draws at most {DRAWN} image files, not {len(paths):,}; "
            "give fewer"
        )
    ways, errors = [], []
    for path in paths:
        try:
            ways.append(job.preprocessing.stages(read_pixels(path)))
        except DataError as error:
            errors.append(error)
    if not ways:
        raise errors[0]
    plots.save(plots.preprocessing(ways), file)
