"""The command with its subcommands, and what becomes of an error."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import handgrad
from handgrad.cli import data
from handgrad.cli.auto import auto
from handgrad.cli.calibrate import calibrate
from handgrad.cli.compare_engines import compare_engines
from handgrad.cli.evaluate import evaluate
from handgrad.cli.explain_step import explain_step
from handgrad.cli.export import export
from handgrad.cli.gradcheck import gradcheck
from handgrad.cli.models import models
from handgrad.cli.options import Quiet, Verbose
from handgrad.cli.plan import plan
from handgrad.cli.predict import predict
from handgrad.cli.reproduce import reproduce
from handgrad.cli.screen import Screen, hush
from handgrad.cli.train import train
from handgrad.cli.verify import verify
from handgrad.errors import ConfigError, HandgradError
from handgrad.signals import CommandExit
from handgrad.threads import limit_library_threads

FAILURE, WRONG_USE, INTERRUPTED = 1, 2, 130
UNWRITTEN = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EFBIG}


class Commands(TyperGroup):
    """Turns an error that a user can cause into one sentence and an exit status."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line, and see that what it printed has arrived."""
        try:
            try:
                return super().main(*args, **options)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if error.filename is not None or error.errno not in UNWRITTEN:
                raise
            with suppress(OSError):  # what still waits to be written would fail at the exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno != errno.EPIPE:
                Screen().error(f"the output cannot be written ({error.strerror})")
            raise SystemExit(FAILURE) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was called."""
        try:
            if not {"-h", "--help"} & set(sys.argv):  # joblib loads NumPy
                limit_library_threads()
            return super().invoke(ctx)
        except HandgradError as error:
            if os.environ.get("HANDGRAD_TRACEBACK") or (ctx.obj or 0) >= 2:
                raise
            Screen().error(str(error))
            raise typer.Exit(WRONG_USE if isinstance(error, ConfigError) else FAILURE) from None
        except (KeyboardInterrupt, CommandExit) as end:
            Screen().error("interrupted")
            status = end.code if isinstance(end, CommandExit) else INTERRUPTED
            raise typer.Exit(status) from None  # type: ignore[arg-type]
        finally:
            hush()


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Results go to stdout, all else to stderr. The exit status is 0; 1 for a failure; "
    "2 for wrong use; 130 or 143 when interrupted.",
)
app.command()(train)
app.command()(auto)
app.command()(evaluate)
app.command()(predict)
app.command()(explain_step)
app.command()(calibrate)
app.command()(export)
app.command()(verify)
app.command()(models)
app.command()(plan)
app.command()(gradcheck)
app.command()(compare_engines)
app.command()(reproduce)
app.add_typer(data.app, name="data")


def _print_version(value: bool) -> None:
    if value:
        print(f"handgrad {handgrad.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Train small-image classifiers with gradients derived by hand.

    [bold]handgrad train[/bold] learns handwritten digits in seconds, with no data to fetch.
    """
