"""`handgrad plan`: prints the compiled engine's plan report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from handgrad.cli.options import NAMED_OPTIMIZERS, DataDir, Json, ModelOrRun, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.runs.config import RunConfig

MAX_WIDTH = 120  # columns
MNIST_ZEROS = 0.81  # the share of pixels that are zero, for users without MNIST


def plan(
    *,
    model: ModelOrRun,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The data set that the images come from. Default: the run's data set, or mnist.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            "--batch-size",
            metavar="N",
            help="Images in a batch. Default: the run's batch size, or 64.",
            show_default=False,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"{NAMED_OPTIMIZERS}. Default: the run's optimizer, or adamw.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Random augmentation, as in `train`. Default: the run's augmentation, or none.",
            show_default=False,
        ),
    ] = None,
    skip_zeros: Annotated[
        bool | None,
        typer.Option(
            "--skip-zeros/--dense",
            metavar="",
            help="Whether the first dense layer skips pixels that are zero. Default: decided by "
            "the data set as in training, or as for MNIST if the data set is not downloaded.",
            show_default=False,
        ),
    ] = None,
    inference: Annotated[
        bool,
        typer.Option("--inference", metavar="", help="Show the plan of inference, not training."),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Show how the compiled engine runs a network, without training it.

    The report lists what each layer became, the phases with each kernel's
    formula, the multiply-adds and the buffers. It needs no data and compiles
    nothing.
    """
    from handgrad.engines import plan
    from handgrad.engines.compiled.lower.images import first_linear

    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engine="compiled")
    options = {"data": data, "batch_size": batch, "optimizer": optimizer, "augment": augment}
    options = {name: value for name, value in options.items() if value is not None}
    classifier, config = _classifier(model, options)
    net = classifier.network
    skip, reason = (
        _skip_zeros(config.data, data_dir) if skip_zeros is None else (skip_zeros, "as requested")
    )
    train_config = config.train_config(classifier.classes)
    report = plan(
        net,
        config.batch_size,
        skip_zeros=skip,
        learning=not inference,
        loss=train_config.loss,
        optimizer=train_config.optimizer,
        clip_norm=train_config.clip_norm,
        augment=train_config.augment,
    )
    if json:
        screen.json({"model": model, "skip_zeros": skip, "reason": reason} | report.to_dict())
        return
    size = "x".join(map(str, net.shape))
    screen.result(Text(f"{model} on images {size} of {net.classes} classes", "bold"))
    if first_linear(net.layers) is not None:
        screen.result(f"  zero pixels are {'skipped' if skip else 'not skipped'}: {reason}")
    for line in report.text(min(screen.out.width, MAX_WIDTH)).splitlines():
        screen.result(Text(line, "" if line.startswith(" ") else "bold"))


def _classifier(model: str, options: dict[str, Any]) -> tuple[Classifier, RunConfig]:
    """Return the classifier and its settings: options before the run's settings before defaults."""
    from handgrad.classifier import Classifier
    from handgrad.data.named.sources import source_named
    from handgrad.models import MODELS
    from handgrad.runs import load_run
    from handgrad.runs.settings import OF_OPTIMIZER, configure

    if model in MODELS or not Path(model).exists():
        config = configure({"data": "mnist", "model": model} | options)
        source = source_named(config.data)
        return Classifier(config.network(source), source.classes), config
    classifier, about = load_run(Path(model))
    saved = about.get("config")
    saved = saved if isinstance(saved, dict) else {}
    if "optimizer" in options:
        saved = {name: value for name, value in saved.items() if name not in OF_OPTIMIZER}
    return classifier, configure({"data": "mnist"} | saved | options)


def _skip_zeros(data: str, data_dir: Path | None) -> tuple[bool, str]:
    """Return whether training on a data set skips zeros, and the reason.

    A data set that is not downloaded is assumed to be like MNIST.
    """
    from handgrad.data import load_data
    from handgrad.engines.compiled.lower.sparsity import MIN_ZERO_SHARE, share_of_zeros

    try:
        share = share_of_zeros(load_data(data, data_dir, download=False)[0].images)
    except HandgradError:
        if data != "mnist":
            return True, f"as for mnist, because {data} is not downloaded"
        share = MNIST_ZEROS
    return share >= MIN_ZERO_SHARE, f"{share:.0%} of the pixels of {data} are zero"
