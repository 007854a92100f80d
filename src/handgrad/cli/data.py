"""`handgrad data`: list, download, check and show data sets."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer
from rich.text import Text

from handgrad.cli.exit_codes import FAILURE
from handgrad.cli.help_pages import Command, Group
from handgrad.cli.options import NAMED_DATA, DataDir, Json, Quiet
from handgrad.cli.screen import Screen, table
from handgrad.files import DATA_FORMS

app = typer.Typer(cls=Group, no_args_is_help=True, help="List, download, check and show data sets.")

Name = Annotated[
    str,
    typer.Argument(metavar="DATA", help=f"Name of a data set: {NAMED_DATA}.", show_default=False),
]

COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "bold"}
MAX_FILES = 5  # files of an issue that are printed
IMAGES_PER_CLASS = 6  # in a figure


@app.command("list", cls=Command)
def list_data(json: Json = False) -> None:
    """List the standard data sets and the folder in which each is stored."""
    from handgrad.data import available

    entries = available()
    screen = Screen()
    if json:
        data = [entry._asdict() | {"shape": list(entry.shape)} for entry in entries]
        screen.json({"data": data})
        return
    rows = [
        (
            entry.name,
            f"{entry.train:,}",
            f"{entry.test:,}",
            entry.classes,
            "x".join(map(str, entry.shape)),
            "in a folder" if Path(entry.where).is_absolute() else entry.where.partition(":")[0],
        )
        for entry in entries
    ]
    headings = ["name", ">training", ">test", ">classes", "image", "where"]
    screen.result(table(headings, rows))
    for entry in entries:  # not in the table, which would cut a long path
        if Path(entry.where).is_absolute():
            screen.result(f"{entry.name} is in {entry.where}")
        elif ":" in entry.where:
            screen.result(f"{entry.name} is {entry.where}")


@app.command(cls=Command)
def fetch(data: Name, quiet: Quiet = False) -> None:
    """Download a data set if it is not on this machine, and print its folder."""
    from handgrad.data import fetch

    screen = Screen(quiet)
    folder = fetch(data, progress=screen.progress)
    screen.result(str(folder or f"{data} comes with scikit-learn; there is nothing to fetch"))


@app.command("check-files", cls=Command)
def check_files(data: Name, data_dir: DataDir = None) -> None:
    """Check the downloaded files of a standard data set against the published SHA-256 digests.

    The exit status is 1 if a file is missing, corrupted or different from the published one.
    """
    from handgrad.data import check_files
    from handgrad.data.named.file_checks import require_published

    screen = Screen()
    checks = check_files(data, data_dir)
    for check in checks:
        screen.result(f"{check.state:<8}{check.path}")
    if not checks:
        screen.result(f"{data} comes with scikit-learn; there are no files to check")
    if unknown := sum(check.state == "unknown" for check in checks):
        screen.info(
            f"{unknown} of {len(checks)} files cannot be checked: they are unzipped, and only the "
            "SHA-256 digests of the .gz files are published"
        )
    require_published(data, checks)


@app.command(cls=Command)
def check(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help=f"Path of your own images: {DATA_FORMS}.",
            show_default=False,
        ),
    ],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check your own images, and print the problems and how to fix them.

    The exit status is 1 if training would fail or the test accuracy would be wrong.
    """
    from handgrad.data.inspect.checks import inspect_images

    screen = Screen(quiet)
    report = inspect_images(path, progress=screen.progress)
    if json:
        screen.json(
            {
                "path": str(report.path),
                "images": {s: {str(k): n for k, n in c.items()} for s, c in report.counts.items()},
                "weights": {str(label): weight for label, weight in report.weights.items()},
                "issues": [issue._asdict() for issue in report.issues],
            },
            ok=report.ok,
        )
    else:
        splits = list(report.counts)
        labels = dict.fromkeys(k for split in splits for k in report.counts[split])
        rows = [
            (k, *(report.counts[s].get(k, 0) for s in splits), report.weights.get(k, ""))
            for k in labels
        ]
        screen.result(table(["class", *(f">{s}" for s in splits), ">balanced weight"], rows))
        for issue in report.issues:
            screen.result(Text(f"{issue.severity}: {issue.kind}", COLOURS[issue.severity]))
            screen.result(_wrapped(f"{issue.problem}; {issue.remedy}", screen))
            for name in issue.files[:MAX_FILES]:
                screen.result(f"    {name}")
            if len(issue.files) > MAX_FILES:
                more = len(issue.files) - MAX_FILES
                screen.result(f"    and {more:,} more; --json lists them all")
        screen.result("no problems found" if not report.issues else "")
    if not report.ok:
        raise typer.Exit(FAILURE)


def _wrapped(sentence: str, screen: Screen) -> str:
    """Wrap a sentence to the width of the terminal, with an indent of two spaces."""
    if not screen.out.is_terminal:
        return f"  {sentence}"
    width = max(screen.out.width, 20)
    return fill(
        sentence, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


@app.command(cls=Command)
def show(
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"Name of a data set ({NAMED_DATA}), or the path of your own images.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File for the figure, PNG or SVG. Default: DATA-examples.png in the current "
            "folder.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Also draw augmented images, and write them to DATA-augmented.png in the same "
            "folder. The possible values are the same as for `train --augment`, such as "
            "light, drawings or "
            "fashion.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Count the images of each class, and draw a few example images of each class."""
    import numpy as np

    from handgrad import plots
    from handgrad.data import SOURCES, load_data
    from handgrad.data.augment import as_augmentation

    screen = Screen(quiet)
    augmentation = as_augmentation(augment)
    train, test = load_data(data, data_dir, progress=screen.progress)
    by_class = [
        np.flatnonzero(train.labels == k)[:IMAGES_PER_CLASS] for k in range(len(train.classes))
    ]
    columns = zip_longest(*by_class)  # a class with few images is missing in the last columns
    X, y = train[np.array([i for column in columns for i in column if i is not None])]
    file = out or Path(f"{train.name}-examples.png")
    plots.save(plots.images(X, y, train.classes), file)

    counts = zip(train.classes, train.counts.tolist(), test.counts.tolist(), strict=True)
    rows = [(label, f"{n:,}", f"{m:,}") for label, n, m in counts]
    total = ("total", f"{len(train):,}", f"{len(test):,}")
    screen.result(table(["class", ">training", ">test"], [*rows, total]))
    if source := SOURCES.get(data):
        screen.result(f"authors: {source.credit}; licence: {source.licence}")
    screen.result(f"examples in {file}")
    if augmentation is not None:
        file = file.with_name(f"{train.name}-augmented{file.suffix}")
        plots.save(plots.augmented(X[: len(train.classes)], augmentation), file)
        screen.result(f"augmented by {augmentation}")
        screen.result(f"augmented examples in {file}")
