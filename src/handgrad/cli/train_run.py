"""Start or resume a training run from the command line, and write the folder of the run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from handgrad.cli.exit_codes import INTERRUPTED
from handgrad.cli.screen import Screen, show_data, show_versions, table

if TYPE_CHECKING:
    from handgrad.data import Dataset
    from handgrad.errors import DivergenceError
    from handgrad.runs import StartModel
    from handgrad.runs.config import RunConfig
    from handgrad.summary import Summary
    from handgrad.train import Epoch, History


def start_training(
    screen: Screen,
    settings: dict[str, Any],
    file: Path | None,
    verbose: int,
    trackers: dict[str, bool],
    as_json: bool = False,
) -> None:
    """Train a network with the given settings, and write the folder of the run."""
    from handgrad.runs import StartModel, start_run
    from handgrad.runs.settings import configure
    from handgrad.tracking import check_trackers

    check_trackers(**trackers)
    config = configure(settings, file=file)
    start = None if config.from_run is None else StartModel.load(config.from_run)
    with (
        start_run(config.out, f"{config.data_name}-{config.model or 'continued'}") as folder,
        _resume_instructions(folder, config),
    ):
        _train(screen, config, folder, verbose, trackers, start=start, as_json=as_json)


def resume_training(  # noqa: PLR0917
    screen: Screen,
    folder: Path,
    settings: dict[str, Any],
    file: Path | None,
    force: bool,
    verbose: int,
    trackers: dict[str, bool],
    as_json: bool = False,
) -> None:
    """Resume an interrupted run."""
    from handgrad.errors import ConfigError
    from handgrad.runs import StartModel, resume_run
    from handgrad.runs.settings import check_settings, configure, original_settings
    from handgrad.tracking import check_trackers

    check_trackers(**trackers)
    if "out" in settings:
        raise ConfigError(f"a resumed run stays in its folder {folder}; remove --out")
    with resume_run(folder) as found:
        original = original_settings(found.about["config"], found.path)
        config = configure(settings, file=file, original=original)
        check_settings(original, config, folder, force=force)
        start = None
        if config.from_run is not None:
            start = StartModel.load(config.from_run, found.about.get("from"))
        done, records = len(found.state.records), found.state.records
        screen.info(f"resuming after {done} of {config.epochs} epochs, {found.state.steps} steps")
        with _resume_instructions(folder, config):
            _train(
                *(screen, config, folder, verbose, trackers, records),
                start=start,
                force=force,
                as_json=as_json,
            )


def _train(
    screen: Screen,
    config: RunConfig,
    folder: Path,
    verbose: int,
    trackers: dict[str, bool],
    records: Sequence[Epoch] = (),
    *,
    start: StartModel | None = None,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Train and test a network, and write the run; or resume a run from its checkpoint."""
    from handgrad.cli.epochs import showing_epochs
    from handgrad.data import available
    from handgrad.engines import fastest_engine
    from handgrad.runs import TrainRun, describe_data
    from handgrad.tracking import tracking

    if verbose:
        where = config.data_dir or next(
            (e.where for e in available() if e.name == config.data), "here"
        )
        engine = fastest_engine() if config.engine == "auto" else config.engine
        show_versions(screen, engine=engine, data=f"{config.data}, {where}")
    images, test = config.load_data(screen.progress, None if start is None else start.classifier)
    show_data(screen, images.summary, images.skipped)
    default_epochs = config.epochs
    config = config.fitted_to(images)
    if config.epochs > default_epochs:
        screen.info(_more_epochs(config, images))
    run = TrainRun(config, folder, images, test, start, allow_changes=force)
    for sentence in start.sentences(images) if start else ():
        screen.info(sentence)
    screen.err.print(
        _summary(
            run.classifier.network.summary(), f"{config.model or 'continued'} on {config.data_name}"
        )
    )
    with (
        tracking(folder, config.plain(), records, **trackers) as track,
        showing_epochs(screen.err, config.epochs) as display,
    ):

        def on_epoch(record: Epoch) -> None:
            display.epoch(record)
            track(record)

        history = run.fit(on_epoch, display.progress)
    kept = _kept_weights(history, config)
    screen.info(kept)
    calibration = run.calibrate()
    if calibration is not None:
        screen.info(calibration)
    with screen.err.status("testing the network and writing the run"):
        evaluation = run.evaluation
        problem = run.write(history)
    if problem:
        Screen().warning(problem)
    if evaluation.failure and not config.validation:  # with validation, `fit` has warned
        Screen().warning(
            f"training may have failed: {evaluation.failure}; train again with a lower --lr"
        )
    if as_json:
        screen.json(
            {
                "run": str(folder),
                "test_accuracy": evaluation.accuracy,
                "test_loss": evaluation.loss,
                "test_images": evaluation.count,
                "epochs": len(history),
                "best_epoch": history.best_epoch,
                "stopped_early": history.stopped_early,
                "kept": kept.removesuffix(" (*)"),
                "data": describe_data(images),
                **(start.metadata(images) if start else {}),
            }
        )
        return
    screen.result(f"test {evaluation}")
    screen.result(f"run in {folder}")


@contextmanager
def _resume_instructions(folder: Path, config: RunConfig) -> Iterator[None]:
    """If the run is interrupted and has a checkpoint, print how to resume it."""
    from handgrad.errors import DivergenceError, StorageError
    from handgrad.runs import has_checkpoint
    from handgrad.signals import on_exit

    command = f"handgrad train --resume {shlex.quote(str(folder))}"
    is_printed = False

    def print_instructions() -> None:
        nonlocal is_printed
        if not is_printed and has_checkpoint(folder):
            Screen().error(f"interrupted; to resume: {command}")
            is_printed = True

    with on_exit(print_instructions):
        try:
            yield
        except (KeyboardInterrupt, SystemExit) as end:
            if not has_checkpoint(folder):
                raise
            print_instructions()
            code = end.code if isinstance(end, SystemExit) else INTERRUPTED
            raise typer.Exit(code) from None  # type: ignore[arg-type]
        except StorageError as error:
            if has_checkpoint(folder):
                error.args = (f"{error}; to resume from the last checkpoint: {command}",)
            raise
        except DivergenceError as error:
            if has_checkpoint(folder):
                error.args = (f"{error}; {_divergence_remedy(error, config, command)}",)
            raise


def _divergence_remedy(error: DivergenceError, config: RunConfig, command: str) -> str:
    """Return advice on what to do if a run with a checkpoint diverged (NaN or infinity)."""
    from handgrad.train.checkpoint.state import MAX_LR_HALVINGS

    lower = f"--lr {config.lr * 0.5 ** (MAX_LR_HALVINGS + 1):.2g}"  # training tried all others
    if error.unrecoverable and error.step == 0:
        return (
            "this happened before the first update, so the learning rate is not the cause; check "
            f"the images with `handgrad data check {shlex.quote(config.data)}`, then start a new "
            "run"
        )
    if error.unrecoverable:
        return (
            "the values in the last checkpoint are already too large to resume from; start a new "
            f"run with {lower}"
        )
    if config.on_divergence != "lower-lr":
        return f"to resume from the last checkpoint: {command} --on-divergence lower-lr"
    return (
        f"if a lower learning rate has already failed, start a new run with {lower}; "
        f"to resume from the last checkpoint: {command} {lower} --force-settings"
    )


def _more_epochs(config: RunConfig, images: Dataset) -> str:
    """Say why there are more epochs than usual."""
    aside = images.validation_mask(config.validation, config.seed).sum() if config.validation else 0
    updates = config.epochs * -(-(len(images) - int(aside)) // config.batch_size)
    return (
        f"epochs: {config.epochs}, which makes {updates:,} updates, because the images are few; "
        "--epochs sets another number"
    )


def _kept_weights(history: History, config: RunConfig) -> str:
    """Return a sentence that names the epoch whose weights the network has, and the reason."""
    measure = "validation loss" if config.validation else "training loss"
    average = " (averaged)" if config.average_weights else ""
    if not config.patience:
        return f"kept: the weights of the last epoch, {len(history)}{average}"
    epoch = f"{history.best_epoch}{average}"
    best = f"kept: the weights of epoch {epoch}, which has the lowest {measure} (*)"
    if history.stopped_early:
        return f"stopped early: {config.patience} epochs without a lower {measure}; {best}"
    return best


def _summary(summary: Summary, title: str) -> Table:
    """Return a table of a network's layers, with their parameters and multiply-adds."""
    rows = [
        (r.name, "x".join(map(str, r.output)), f"{r.parameters:,}", f"{r.multiply_adds:,}")
        for r in summary.rows
    ]
    total = ("total", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}")
    return table(["layer", "output", ">parameters", ">multiply-adds"], [*rows, total], title)
