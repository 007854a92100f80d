"""`handgrad plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from handgrad.cli.options import NAMED_OPTIMIZERS, DataDir, Json, ModelOrRun, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError, HandgradError

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.runs.config import RunConfig

MAX_WIDTH = 120  # columns
MNIST_ZEROS = 0.81  # the fraction of pixels that are zero, for users without MNIST


def plan(
    *,
    model: ModelOrRun,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Data set to which the network is applied. Default: the data set of the run, "
            "or mnist.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            "--batch-size",
            metavar="N",
            help="Batch size: the number of images per update. Default: the batch size of the "
            "run, or 64.",
            show_default=False,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Optimizer: {NAMED_OPTIMIZERS}. Default: the optimizer of the run, or adamw.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Random augmentation; the possible values are the same as for `train "
            "--augment`. Default: the "
            "augmentation of the run, or none.",
            show_default=False,
        ),
    ] = None,
    skip_zeros: Annotated[
        bool | None,
        typer.Option(
            "--skip-zeros/--dense",
            metavar="",
            help="--skip-zeros: the first dense layer skips pixels that are zero; --dense: it does "
            "not. Default: depends on the data set, as in training; MNIST is assumed if the data "
            "set is not on this machine.",
            show_default=False,
        ),
    ] = None,
    inference: Annotated[
        bool,
        typer.Option(
            "--inference", metavar="", help="Show the plan for inference instead of training."
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Show the steps into which the compiled engine translates a network.

    The plan shows how each layer is translated, the phases of a training step with the formula of
    each kernel, the number of multiply-adds, and the buffers. This command works without the data
    files and does not compile anything.
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
    is_sparse = first_linear(net.layers) is not None
    if inference:
        _check_unset("with --inference", {"--optimizer": optimizer, "--augment": augment})
    if not is_sparse:
        where = f"for {model}, whose first layer with weights is not dense"
        _check_unset(where, {"--skip-zeros": skip_zeros or None})
    if skip_zeros is not None:
        _check_unset("with --skip-zeros or --dense", {"--data-dir": data_dir})
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
    if is_sparse:
        screen.result(f"  zero pixels are {'skipped' if skip else 'not skipped'}: {reason}")
    for line in report.text(min(screen.out.width, MAX_WIDTH)).splitlines():
        screen.result(Text(line, "" if line.startswith(" ") else "bold"))


def _check_unset(where: str, options: dict[str, Any]) -> None:
    """Raise a ConfigError if an option is given that has no effect in a certain case."""
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name} has no effect {where}; remove {name}")


def _classifier(model: str, options: dict[str, Any]) -> tuple[Classifier, RunConfig]:
    """Return the classifier and its settings, in which `options` override the run's settings."""
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
    """Return whether training on a data set skips zero pixels, and the reason in words.

    A data set that is not on this machine is assumed to have as many zero pixels as MNIST.
    """
    from handgrad.data import load_data
    from handgrad.engines.compiled.lower.sparsity import MIN_ZERO_SHARE, share_of_zeros

    try:
        share = share_of_zeros(load_data(data, data_dir, download=False)[0].images)
    except HandgradError:
        if data_dir is not None:
            raise
        if data != "mnist":
            return True, f"{data} is not on this machine, so MNIST is assumed"
        share = MNIST_ZEROS
    return share >= MIN_ZERO_SHARE, f"{share:.0%} of the pixels of {data} are zero"
