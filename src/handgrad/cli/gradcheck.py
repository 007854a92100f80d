"""`handgrad gradcheck`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.exit_codes import FAILURE
from handgrad.cli.options import Json, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from handgrad.gradient_check.target import Target
    from handgrad.layers import Shape


def gradcheck(
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="What to check: a built-in network, a layer class, the folder of a run, your own "
            "layer FILE.py:LAYER, or all.",
        ),
    ] = "all",
    args: Annotated[
        str,
        typer.Option(
            metavar="JSON",
            help="For FILE.py:LAYER only: the constructor arguments of the layer, such as "
            '{"units": 6}.',
        ),
    ] = "",
    shape: Annotated[
        str,
        typer.Option(
            metavar="SHAPE",
            help="For FILE.py:LAYER only: input shape of one example, such as 5 or 3x6x8. "
            "Default: 5 or 3x6x8, whichever suits the layer.",
            show_default=False,
        ),
    ] = "",
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="For FILE.py:LAYER only: number of examples in the batch. Default: 7.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Seed of the random points at which the gradients are checked.",
        ),
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Check every gradient with independent methods (oracles).

    There are four oracles: central differences; linearity, since a gradient must be linear in the
    gradient of the output; PyTorch's autograd, if PyTorch is installed; and stored reference
    gradients (golden gradients) for the built-in networks. Each check is itself tested: it must
    reject deliberately wrong gradients. If the gradient of your own layer is wrong, the likely
    cause is printed.

    The exit status is 1 if a gradient is wrong, or if all gradients of a target are zero, so that
    nothing is proven.
    """
    from handgrad.cli.gradcheck_report import overview, show
    from handgrad.gradient_check import GradcheckResult
    from handgrad.gradient_check.autograd import MISSING, is_available
    from handgrad.gradient_check.check import check

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    targets = _targets(what, args, shape, batch)
    if not is_available():
        screen.info(MISSING)

    reports = []
    with screen.err.status("") as status:
        for number, target in enumerate(targets, 1):
            status.update(f"{target.name} ({number} of {len(targets)})")
            reports += [check(target, training=mode, seed=seed) for mode in (True, False)]
    result = GradcheckResult(tuple(reports))

    if json:
        screen.json(result.as_json(), ok=result.ok)
    elif len(targets) == 1:
        show(screen, result)
    else:
        overview(screen, result)
    for report in reports:
        for control in report.broken:
            screen.error(
                f"the check itself is broken: the oracle {control.oracle} accepted the gradient of "
                f"{control.tensor} in {report.name}, {control.mutation}"
            )
    if not result.ok:
        raise typer.Exit(FAILURE)


def _targets(what: str, args: str, shape: str, batch: int | None) -> list[Target]:
    """Return the layers and networks to check."""
    from handgrad.gradient_check.registry import find_targets, network_target, target_names
    from handgrad.gradient_check.user_layer import BATCH, load_user_layer

    if what.endswith(".py") or ".py:" in what:
        return [load_user_layer(what, args, _shape(shape), batch or BATCH)]
    if not what.strip():
        raise ConfigError(
            "name a target, such as convnet, Conv2d or mine.py:Softplus, or leave it out to check "
            "everything"
        )
    given = {"--args": args, "--shape": shape, "--batch": batch}
    if settings := " and ".join(option for option, value in given.items() if value):
        raise ConfigError(f"{settings} can only be used with FILE.py:LAYER, not with {what}")
    if found := find_targets(what):
        return found
    if Path(what).exists():
        from handgrad.runs import load_run

        classifier, _ = load_run(Path(what))
        return [network_target(what, classifier.network)]
    raise ConfigError(
        f"there is no model, layer or run {what!r}{did_you_mean(what, target_names())}"
    )


def _shape(text: str) -> Shape | None:
    """Parse a shape such as "3x6x8"."""
    if not text:
        return None
    sizes = text.replace(",", "x").split("x")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise ConfigError(f"--shape must be one or more sizes, such as 5 or 3x6x8, not {text}")
    return tuple(map(int, sizes))
