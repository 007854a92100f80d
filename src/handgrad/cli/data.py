"""`handgrad data`."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer
from rich.text import Text

from handgrad.cli.options import Folder, Json, Quiet
from handgrad.cli.screen import Screen, table

app = typer.Typer(no_args_is_help=True, help="List, fetch, verify, show and check data.")

Name = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="digits, mnist, fashion-mnist or kmnist.", show_default=False
    ),
]

COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "bold"}
SHOWN = 5  # files of a finding in the table
ROUNDS = 6  # images of each class in a figure


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
    headings = ["name", ">training", ">test", ">classes", "image", "where"]
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
    from handgrad.data.named.digests import check_published

    screen = Screen()
    checks = verify(data, folder)
    for check in checks:
        screen.result(f"{check.state:<8}{check.path}")
    if not checks:
        screen.result(f"{data} comes with scikit-learn; there are no files to verify")
    if unknown := sum(check.state == "unknown" for check in checks):
        screen.info(
            f"{unknown} of the {len(checks)} files are unzipped, and only the digest of the "
            ".gz is published; whether they are right cannot be said"
        )
    check_published(data, checks)


@app.command()
def check(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A folder of images, a table of them, or arrays: NPZ, CSV, a folder of IDX.",
            show_default=False,
        ),
    ],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look at all images, and say what is wrong and what to do.

    The exit status is 1 where training would fail or its test deceive.
    """
    from handgrad.data.inspect.inspect import check

    screen = Screen(quiet)
    report = check(place, progress=False if quiet else None)
    if json:
        screen.json(
            {
                "place": str(report.place),
                "healthy": report.healthy,
                "images": {s: {str(k): n for k, n in c.items()} for s, c in report.counts.items()},
                "weights": {str(label): weight for label, weight in report.weights.items()},
                "findings": [finding._asdict() for finding in report.findings],
            },
            ok=report.healthy,
        )
    else:
        splits = list(report.counts)
        labels = dict.fromkeys(k for split in splits for k in report.counts[split])
        rows = [
            (k, *(report.counts[s].get(k, 0) for s in splits), report.weights.get(k, ""))
            for k in labels
        ]
        screen.result(table(["class", *(f">{s}" for s in splits), ">balanced weight"], rows))
        for finding in report.findings:
            screen.result(Text(f"{finding.weight}: {finding.kind}", COLOURS[finding.weight]))
            screen.result(_folded(f"{finding.what}; {finding.cure}", screen))
            for name in finding.files[:SHOWN]:
                screen.result(f"    {name}")
            if len(finding.files) > SHOWN:
                screen.result(f"    and {len(finding.files) - SHOWN:,} more; --json lists them all")
        screen.result("nothing is wrong" if not report.findings else "")
    if not report.healthy:
        raise typer.Exit(1)


def _folded(sentence: str, screen: Screen) -> str:
    """Return a sentence in lines that a terminal has room for, between words, set in a little."""
    if not screen.out.is_terminal:
        return f"  {sentence}"
    room = max(screen.out.width, 20)
    return fill(sentence, room, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


@app.command()
def show(
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="digits, mnist, fashion-mnist or kmnist; or the path of images of your own.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The figure, PNG or SVG. Default: DATA-examples.png in this folder.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Draw also what becomes of some in training, changed at random as `train "
            "--augment` says, to DATA-augmented.png.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    quiet: Quiet = False,
) -> None:
    """Count the images of each class, and draw some of each."""
    import numpy as np

    from handgrad import plots
    from handgrad.data import SOURCES, load_data
    from handgrad.data.augment import as_augmentation

    screen = Screen(quiet)
    augmentation = as_augmentation(augment)
    train, test = load_data(data, folder, progress=False if quiet else None)
    some = [np.flatnonzero(train.labels == k)[:ROUNDS] for k in range(len(train.classes))]
    rounds = zip_longest(*some)  # a class with few images misses the later ones
    X, y = train[np.array([i for each in rounds for i in each if i is not None])]
    file = out or Path(f"{train.name}-examples.png")
    plots.save(plots.images(X, y, train.classes), file)

    counts = zip(train.classes, train.counts.tolist(), test.counts.tolist(), strict=True)
    rows = [(label, f"{n:,}", f"{m:,}") for label, n, m in counts]
    total = ("total", f"{len(train):,}", f"{len(test):,}")
    screen.result(table(["class", ">training", ">test"], [*rows, total]))
    if source := SOURCES.get(data):
        screen.result(f"by {source.credit}; {source.licence}")
    screen.result(f"examples in {file}")
    if augmentation is not None:
        file = file.with_name(f"{train.name}-augmented{file.suffix}")
        plots.save(plots.augmented(X[: len(train.classes)], augmentation), file)
        screen.result(f"augmented by {augmentation}")
        screen.result(f"what becomes of some in {file}")
