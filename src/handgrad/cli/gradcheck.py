"""`handgrad gradcheck`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import Json, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError

if TYPE_CHECKING:
    from handgrad.gradcheck.target import Subject
    from handgrad.layers import Shape


def gradcheck(
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="[MODEL | LAYER | RUN | FILE.py:LAYER | all]",
            help="A named model, a kind of layer, the folder of a run, or a layer of your own.",
        ),
    ] = "all",
    args: Annotated[
        str,
        typer.Option(metavar="JSON", help='What to construct FILE.py:LAYER with: {"units": 6}.'),
    ] = "",
    shape: Annotated[
        str,
        typer.Option(metavar="CxHxW", help="One example that FILE.py:LAYER takes: 5 or 3x6x8."),
    ] = "",
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Examples in a batch for FILE.py:LAYER. Default: 7.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Decides the points to check at.")
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Hold every gradient against witnesses who know it by another way.

    They are central differences, PyTorch's autograd, and numbers frozen when a model was proven.

    Each witness is also shown spoilt gradients, and must reject them.

    Of a layer of your own that fails, the likely cause is named.

    The exit status is 1 where a gradient is wrong, or where all are zero and nothing is proven.
    """
    from handgrad.cli.gradcheck_report import overview, plain, show
    from handgrad.gradcheck.autograd import MISSING, at_hand
    from handgrad.gradcheck.check import check

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    subjects = _subjects(what, args, shape, batch)
    if not at_hand():
        screen.info(MISSING)

    reports = []
    with screen.err.status("") as status:
        for number, subject in enumerate(subjects, 1):
            status.update(f"{subject.name} ({number} of {len(subjects)})")
            reports += [check(subject, training=mode, seed=seed) for mode in (True, False)]

    if json:
        screen.json(plain(reports))
    elif len(subjects) == 1:
        show(screen, reports)
    else:
        overview(screen, reports)
    for report in reports:
        for control in report.broken:
            screen.error(
                f"the check itself is broken: {control.witness} accepted the gradient of "
                f"{control.tensor} in {report.name} {control.spoilt}"
            )
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _subjects(what: str, args: str, shape: str, batch: int | None) -> list[Subject]:
    """Return what is to be checked."""
    from handgrad.gradcheck.registry import known, names, of_network
    from handgrad.gradcheck.user_layer import BATCH, own_layer
    from handgrad.runs.config import nearest

    if what.endswith(".py") or ".py:" in what:
        return [own_layer(what, args, _shape(shape), batch or BATCH)]
    if not what.strip():
        raise ConfigError(
            "name what to check, such as convnet, Conv2d or mine.py:Softplus, or leave it out "
            "for all"
        )
    given = {"--args": args, "--shape": shape, "--batch": batch}
    if settings := " and ".join(option for option, value in given.items() if value):
        raise ConfigError(f"leave out {settings}: only a layer of your own takes it, not {what}")
    if found := known(what):
        return found
    if Path(what).exists():
        from handgrad.runs import load_run

        net, _ = load_run(Path(what))
        return [of_network(what, net)]
    raise ConfigError(
        f"there is no model, layer or run {what!r}; the nearest name is {nearest(what, names())!r}"
    )


def _shape(text: str) -> Shape | None:
    """Return the shape that "3x6x8" means."""
    if not text:
        return None
    sizes = text.replace(",", "x").split("x")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise ConfigError(f"--shape must be sizes such as 5 or 3x6x8, not {text}")
    return tuple(map(int, sizes))
