"""`handgrad data`."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli.options import Folder, Quiet
from handgrad.cli.screen import Screen, table

app = typer.Typer(no_args_is_help=True, help="List, fetch, verify and show data.")

Name = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="digits, mnist, fashion-mnist or kmnist.", show_default=False
    ),
]

ROUNDS = 6  # pictures of each class in a figure


@app.command("list")
def list_data() -> None:
    """List the data that can be had by name, and where it lies."""
    from handgrad.data import available

    rows = [
        (
            entry.name,
            f"{entry.train:,}",
            f"{entry.test:,}",
            entry.classes,
            "x".join(map(str, entry.shape)),
            entry.where,
        )
        for entry in available()
    ]
    headings = ["name", ">training", ">test", ">classes", "picture", "where"]
    Screen().result(table(headings, rows))


@app.command()
def fetch(data: Name, quiet: Quiet = False) -> None:
    """Bring data to this machine where it is not, and print its folder."""
    from handgrad.data import fetch

    screen = Screen(quiet)
    place = fetch(data, progress=False if quiet else None)
    screen.result(str(place or f"{data} comes with scikit-learn; there is nothing to fetch"))


@app.command()
def verify(data: Name, folder: Folder = None) -> None:
    """Compare the files of data, by SHA-256, with the published ones."""
    from handgrad.data import verify
    from handgrad.data.digests import check_published

    screen = Screen()
    checks = verify(data, folder)
    for check in checks:
        screen.result(f"{check.state:<8}{check.path}")
    if not checks:
        screen.result(f"{data} comes with scikit-learn; there are no files to verify")
    if unknown := sum(check.state == "unknown" for check in checks):
        screen.note(
            f"{unknown} of the {len(checks)} files are unzipped, and only the digest of the "
            ".gz is published; whether they are right cannot be said"
        )
    check_published(data, checks)


@app.command()
def show(
    *,
    data: Name,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The figure, PNG or SVG. Default: DATA-examples.png.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    quiet: Quiet = False,
) -> None:
    """Count the pictures of each class, and draw some of each."""
    import numpy as np

    from handgrad import plots
    from handgrad.data import SOURCES, load

    screen = Screen(quiet)
    train, test = load(data, folder, progress=False if quiet else None)
    some = [np.flatnonzero(train.labels == k)[:ROUNDS] for k in range(len(train.classes))]
    rounds = zip_longest(*some)  # a class with few pictures misses the later ones
    X, y = train[np.array([i for each in rounds for i in each if i is not None])]
    file = out or Path(f"{data}-examples.png")
    plots.save(plots.pictures(X, y, train.classes), file)

    counts = zip(train.classes, train.counts.tolist(), test.counts.tolist(), strict=True)
    rows = [(label, f"{n:,}", f"{m:,}") for label, n, m in counts]
    total = ("total", f"{len(train):,}", f"{len(test):,}")
    screen.result(table(["class", ">training", ">test"], [*rows, total]))
    source = SOURCES[data]
    screen.result(f"by {source.credit}; {source.licence}")
    screen.result(f"examples in {file}")
