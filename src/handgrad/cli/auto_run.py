"""A run on the command line: from settings, or from where it was stopped, to its folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from handgrad.cli.screen import Screen, show_versions, table

if TYPE_CHECKING:
    from handgrad.errors import DivergenceError
    from handgrad.runs.config import Config
    from handgrad.summary import Summary
    from handgrad.train import Epoch, History


def begin(
    screen: Screen,
    settings: dict[str, Any],
    file: Path | None,
    verbose: int,
    trackers: dict[str, bool],
) -> None:
    """Go the whole way from settings to a run's folder."""
    from handgrad.runs import begun
    from handgrad.runs.settings import configure
    from handgrad.tracking import check_trackers

    check_trackers(**trackers)
    config = configure(settings, file=file)
    with (
        begun(config.out, f"{config.data_name}-{config.model}") as folder,
        _told_how_to_go_on(folder, config),
    ):
        _train(screen, config, folder, verbose, trackers)


def go_on(
    screen: Screen,
    folder: Path,
    settings: dict[str, Any],
    file: Path | None,
    force: bool,
    verbose: int,
    trackers: dict[str, bool],
) -> None:
    """Go the rest of the way."""
    from handgrad.errors import ConfigError
    from handgrad.runs import gone_on
    from handgrad.runs.settings import begun_with, check_settings, configure
    from handgrad.tracking import check_trackers

    check_trackers(**trackers)
    if "out" in settings:
        raise ConfigError(f"a run that goes on stays where it is, in {folder}; leave out --out")
    with gone_on(folder) as found:
        begun = begun_with(found.about["config"], found.path)
        config = configure(settings, file=file, begun=begun)
        check_settings(begun, config, folder, force=force)
        made, records = len(found.state.records), found.state.records
        screen.info(f"going on after {made} of {config.epochs} epochs, {found.state.steps} steps")
        with _told_how_to_go_on(folder, config):
            _train(screen, config, folder, verbose, trackers, records, force=force)


def _train(
    screen: Screen,
    config: Config,
    folder: Path,
    verbose: int,
    trackers: dict[str, bool],
    records: Sequence[Epoch] = (),
    *,
    force: bool = False,
) -> None:
    """Train, test and write a run; one that has a checkpoint, and records, goes on from it."""
    from handgrad.cli.epochs import watching
    from handgrad.data import available
    from handgrad.engines import fastest_engine
    from handgrad.runs import Run, checkpoints, finish, trust, write
    from handgrad.tracking import tracking
    from handgrad.train import Checkpoints, evaluate, fit

    if verbose:
        where = config.folder or next(
            (e.where for e in available() if e.name == config.data), "here"
        )
        engine = fastest_engine() if config.engine == "auto" else config.engine
        show_versions(screen, engine=engine, data=f"{config.data}, {where}")
    images, test = config.load_data(progress=False if screen.err.quiet else None)
    config = config.fitted_to(images)
    net = config.network(images)
    recipe = config.recipe(images.classes)
    kept = Checkpoints(
        checkpoints(folder),
        config.checkpoint_minutes,
        other_settings=force,
        about={"config": config.plain()},
    )

    screen.err.print(_summary(net.summary(), f"{config.model} on {config.data_name}"))
    with (
        tracking(folder, config.plain(), records, **trackers) as track,
        watching(screen.err, config.epochs) as watch,
    ):

        def on_epoch(record: Epoch) -> None:
            watch.epoch(record)
            track(record)

        history = fit(
            net,
            images,
            config.validation or None,
            on_epoch=on_epoch,
            on_progress=watch.progress,
            checkpoint=kept,
            resume=True,
            **vars(recipe),
        )
    screen.info(_kept(history, config.patience))
    if config.calibrate and config.validation:
        screen.info(trust(net, images.split(config.validation, config.seed)[1]))
    with screen.err.status("testing, drawing, writing"):
        evaluation = evaluate(net, test)
        trouble = write(Run(config, net, history, images, test, evaluation), folder)
        finish(folder)
    if trouble:
        Screen().warning(trouble)
    screen.result(f"test {evaluation}")
    screen.result(f"run in {folder}")


@contextmanager
def _told_how_to_go_on(folder: Path, config: Config) -> Iterator[None]:
    """Add to the last words of a run that stops how it can go on."""
    from handgrad.errors import DivergenceError, StorageError
    from handgrad.runs import has_checkpoint
    from handgrad.signals import at_last

    command = f"handgrad train --resume {shlex.quote(str(folder))}"

    told = False

    def tell() -> None:
        nonlocal told
        if not told and has_checkpoint(folder):
            Screen().error(f"interrupted; to go on: {command}")
            told = True

    with at_last(tell):
        try:
            yield
        except (KeyboardInterrupt, SystemExit) as end:
            if not has_checkpoint(folder):
                raise
            tell()
            raise typer.Exit(end.code if isinstance(end, SystemExit) else 130) from None  # type: ignore[arg-type]
        except StorageError as error:
            if has_checkpoint(folder):
                error.args = (f"{error}; to go on from the last checkpoint: {command}",)
            raise
        except DivergenceError as error:
            if has_checkpoint(folder):
                error.args = (f"{error}; {_cure(error, config, command)}",)
            raise


def _cure(error: DivergenceError, config: Config, command: str) -> str:
    """Return what to do about numbers that are not finite, when the run has a checkpoint."""
    from handgrad.train.checkpoint.state import LOWERINGS

    lower = f"--lr {config.lr * 0.5 ** (LOWERINGS + 1):.2g}"  # all others were tried
    if error.hopeless and error.step == 0:
        return (
            "it was before any learning, so the learning rate is not to blame; look at the "
            f"images with `handgrad data check {shlex.quote(config.data)}`, and begin anew"
        )
    if error.hopeless:
        return (
            "the numbers in the last checkpoint are too large already to go on from; begin anew, "
            f"with {lower}"
        )
    if config.on_divergence != "lower-lr":
        return f"to go on from the last checkpoint: {command} --on-divergence lower-lr"
    return (
        "where a lower rate has not helped before, begin anew with it; "
        f"to go on from the last checkpoint: {command} {lower} --force-settings"
    )


def _kept(history: History, patience: int) -> str:
    """Return which epoch's weights the network has, and why."""
    if not patience:
        return "the last weights are kept"
    best = f"the weights of epoch {history.best_epoch} are kept, the best (*)"
    return (
        f"stopped: {patience} epochs brought no lower loss; {best}"
        if history.stopped_early
        else best
    )


def _summary(summary: Summary, title: str) -> Table:
    """Return the table of a network's layers."""
    rows = [
        (r.name, "x".join(map(str, r.output)), f"{r.parameters:,}", f"{r.multiply_adds:,}")
        for r in summary.rows
    ]
    total = ("total", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}")
    return table(["layer", "output", ">parameters", ">multiply-adds"], [*rows, total], title)
