"""`handgrad train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli.options import Folder, Mlflow, Quiet, Tensorboard, Verbose
from handgrad.cli.screen import Screen
from handgrad.cli.train_run import begin, go_on


def _setting(names: str, metavar: str, words: str, panel: str) -> Any:
    """Return an option that passes on what was typed: the configuration checks it."""
    return typer.Option(
        *names.split(), metavar=metavar, help=words, rich_help_panel=panel, show_default=False
    )


def _own(names: str, metavar: str, words: str) -> Any:
    return _setting(names, metavar, words, "Images of your own")


def _learning(names: str, metavar: str, words: str) -> Any:
    return _setting(names, metavar, words, "How it learns")


def _stopping(names: str, metavar: str, words: str) -> Any:
    return _setting(names, metavar, words, "When it stops")


def _interrupted(names: str, metavar: str, words: str) -> Any:
    return _setting(names, metavar, words, "When it is interrupted")


def _torch(names: str, metavar: str, words: str) -> Any:
    return _setting(names, metavar, words, "With --engine torch")


def train(
    *,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="digits, mnist, fashion-mnist or kmnist; or images of your own: "
            "FOLDER with FOLDER/CLASS/*.png, an NPZ or a CSV file. Default: digits.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        _own("--size", "N", "Bring them to NxN pixels. Default: their own up to 64, else 28."),
    ] = None,
    preprocessing: Annotated[
        str | None,
        _own("--preprocessing", "NAME", "plain, light or drawing. Default: plain, in colour too."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="See `handgrad models`. Default: smallnet.", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="A file with settings.", show_default=False),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where to put the run. Default: runs/DATA-MODEL-1, -2 and so on.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Decides initial weights, split, order, dropout, augmentation. Default: 0.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="compiled, reference or torch; auto is the fastest there is. Default: auto.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        _torch("--device", "NAME", "auto, cpu or cuda. Default: auto, a GPU where there is one."),
    ] = None,
    amp: Annotated[
        bool | None, _torch("--amp/--no-amp", "", "Mixed precision: products in bfloat16.")
    ] = None,
    compile: Annotated[  # noqa: A002
        bool | None, _torch("--compile/--no-compile", "", "Let torch.compile make one program.")
    ] = None,
    tensorboard: Tensorboard = False,
    mlflow: Mlflow = False,
    calibrate: Annotated[
        bool | None,
        typer.Option(
            metavar="",
            help="Whether to fit a temperature to the validation images, so that probabilities "
            "mean what they say. Default: yes.",
            show_default=False,
        ),
    ] = None,
    figures: Annotated[
        bool | None,
        typer.Option(
            metavar="", help="Whether to draw the run's figures. Default: yes.", show_default=False
        ),
    ] = None,
    epochs: Annotated[
        str | None,
        _stopping("--epochs", "N", "Rounds at most. Default: 20 on digits, else 10."),
    ] = None,
    patience: Annotated[
        str | None,
        _stopping(
            "--patience",
            "N",
            "Stop after N epochs without a lower loss, and put the best weights back; "
            "0: never, and keep the last. Default: 10.",
        ),
    ] = None,
    min_delta: Annotated[
        str | None,
        _stopping("--min-delta", "X", "A smaller fall of the loss does not count. Default: 0."),
    ] = None,
    validation: Annotated[
        str | None,
        _stopping(
            "--validation", "X", "Share of training images to judge by; 0: none. Default: 0.1."
        ),
    ] = None,
    batch_size: Annotated[
        str | None,
        _learning(
            "--batch --batch-size",
            "N",
            "Images in an update; all, if not given, where there are fewer. Default: 64.",
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        _learning("--optimizer", "NAME", "sgd, momentum, nesterov, adam or adamw. Default: adamw."),
    ] = None,
    lr: Annotated[
        str | None,
        _learning("--lr", "X", "The learning rate. Default: one that suits the optimizer."),
    ] = None,
    schedule: Annotated[
        str | None,
        _learning(
            "--schedule",
            "NAME",
            "constant, step, cosine, one-cycle or plateau. Default: one-cycle.",
        ),
    ] = None,
    momentum: Annotated[
        str | None,
        _learning("--momentum", "X", "For momentum and nesterov. Default: 0.9."),
    ] = None,
    weight_decay: Annotated[
        str | None,
        _learning("--weight-decay", "X", "Not for adam. Default: 0.01 for adamw, else 0."),
    ] = None,
    label_smoothing: Annotated[
        str | None,
        _learning("--label-smoothing", "X", "Share of a target given to all. Default: 0."),
    ] = None,
    augment: Annotated[
        str | None,
        _learning(
            "--augment",
            "NAME",
            "Change images at random: light (for digits), messy-hands (drawings), clothes, or "
            "settings such as shift=0.1,rotation=10. Default: none.",
        ),
    ] = None,
    average: Annotated[
        str | None,
        _learning(
            "--average",
            "X",
            "Judge and keep the mean of the weights over about the last X epochs; 0: none. "
            "Default: 0.",
        ),
    ] = None,
    clip_norm: Annotated[
        str | None,
        _learning("--clip-norm", "X", "Largest norm of the gradients; 0: any. Default: 0."),
    ] = None,
    class_weights: Annotated[
        str | None,
        _learning(
            "--class-weights", "W", "none, balanced, or by label such as 3=2,5=1. Default: none."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        _interrupted(
            "--resume", "RUN", "Go on with a run that was stopped: its folder, as it was named."
        ),
    ] = None,
    force_settings: Annotated[
        bool,
        _interrupted("--force-settings", "", "Go on although settings are others than before."),
    ] = False,
    checkpoint_minutes: Annotated[
        str | None,
        _interrupted(
            "--checkpoint-minutes",
            "N",
            "Save the run this often within an epoch; 0: after each epoch only. Default: 1.",
        ),
    ] = None,
    on_divergence: Annotated[
        str | None,
        _interrupted(
            "--on-divergence",
            "WORD",
            "When a number is not finite: stop; or lower-lr, go back and halve the rate, at most "
            "three times. Default: stop.",
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Train a network, test it, and keep the run.

    Settings come from the command line, else from the environment, else from the --config file.

    In the environment a setting has HANDGRAD_ before its name, such as HANDGRAD_LR=0.01.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    trackers = {"tensorboard": tensorboard, "mlflow": mlflow}
    for name in ("config", "resume", "force_settings", "quiet", "verbose", *trackers):
        given.pop(name, None)  # these are not settings of the run
    screen = Screen(quiet)
    if resume is None:
        begin(screen, given, config, verbose, trackers)
    else:
        go_on(screen, resume, given, config, force_settings, verbose, trackers)
