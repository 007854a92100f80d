"""`handgrad plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from handgrad.cli.options import Folder, Json, Quiet, Verbose
from handgrad.cli.screen import Screen, note_versions
from handgrad.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.network import Network
    from handgrad.runs.config import Config

WIDTH = 120  # columns of a line at most
ZEROS_OF_MNIST = 0.81  # the share of its pixels, for those who have it not


def plan(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RUN",
            help="A named architecture; or the folder of a run, or a model file.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The data whose images are to be taken. Default: the run's own; mnist.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            "--batch-size",
            metavar="N",
            help="Images in an update. Default: the run's own; 64.",
            show_default=False,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="sgd, momentum, nesterov, adam or adamw. Default: the run's own; adamw.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How images are changed at random, as in `train`. Default: the run's own; none.",
            show_default=False,
        ),
    ] = None,
    skip_zeros: Annotated[
        bool | None,
        typer.Option(
            "--skip-zeros/--dense",
            metavar="",
            help="Whether a first linear layer skips pixels that are zero. Default: as with the "
            "data, where it lies here; else as with MNIST, where it does.",
            show_default=False,
        ),
    ] = None,
    inference: Annotated[
        bool, typer.Option("--inference", metavar="", help="Only the way from images to logits.")
    ] = False,
    folder: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Show what the compiled engine makes of a network, without training it.

    What became of each layer, the phases with the formula that each kernel computes, the
    arithmetic, the buffers. No data is needed, and nothing is compiled.
    """
    from handgrad.engines import plan
    from handgrad.engines.compiled.lower.images import first_linear

    screen = Screen(quiet)
    if verbose:
        note_versions(screen, engine="compiled")
    given = {"data": data, "batch_size": batch, "optimizer": optimizer, "augment": augment}
    net, config = _network(model, {name: v for name, v in given.items() if v is not None})
    skip, reason = _skips(config.data, folder) if skip_zeros is None else (skip_zeros, "as given")
    recipe = config.recipe(net.classes)
    made = plan(
        net,
        config.batch_size,
        skip_zeros=skip,
        learning=not inference,
        loss=recipe.loss,
        optimizer=recipe.optimizer,
        clip_norm=recipe.clip_norm,
        augment=recipe.augment,
    )
    if json:
        screen.json({"model": model, "skip_zeros": skip, "because": reason} | made.plain())
        return
    size = "x".join(map(str, net.shape))
    screen.result(Text(f"{model} on images {size} of {len(net.classes)} classes", "bold"))
    if first_linear(net.layers) is not None:
        screen.result(
            f"  pixels that are zero are {'skipped' if skip else 'not skipped'}: {reason}"
        )
    for line in made.text(min(screen.out.width, WIDTH)).splitlines():
        screen.result(Text(line, "" if line.startswith(" ") else "bold"))


def _network(model: str, given: dict[str, Any]) -> tuple[Network, Config]:
    """Return the network and the settings: a run's own where there are any, and what is given."""
    from handgrad.data.named.sources import source_named
    from handgrad.models import MODELS
    from handgrad.runs import load_run
    from handgrad.runs.settings import OF_OPTIMIZER, configure

    if model in MODELS or not Path(model).exists():
        config = configure({"data": "mnist", "model": model} | given)
        return config.network(source_named(config.data)), config
    net, about = load_run(Path(model))
    own = kept if isinstance(kept := about.get("config"), dict) else {}
    if "optimizer" in given:
        own = {name: value for name, value in own.items() if name not in OF_OPTIMIZER}
    return net, configure({"data": "mnist"} | own | given)


def _skips(data: str, folder: Path | None) -> tuple[bool, str]:
    """Return whether the zeros of data would be skipped, and why; MNIST stands in for others."""
    from handgrad.data import load_data
    from handgrad.engines.compiled.lower.sparsity import MIN_ZERO_SHARE, share_of_zeros

    try:
        share = share_of_zeros(load_data(data, folder, download=False)[0].images)
    except HandgradError:
        if data != "mnist":
            return True, f"as with mnist, for {data} is not here to be looked at"
        share = ZEROS_OF_MNIST
    return share >= MIN_ZERO_SHARE, f"{share:.0%} of those of {data} are"
