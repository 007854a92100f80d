"""The command line: its subcommands, and the conversion of errors to messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

import handgrad
from handgrad.cli import data
from handgrad.cli.auto import auto
from handgrad.cli.calibrate import calibrate
from handgrad.cli.compare_engines import compare_engines
from handgrad.cli.evaluate import evaluate
from handgrad.cli.exit_codes import FAILURE, INTERRUPTED, WRONG_USE, exit_code_table
from handgrad.cli.explain_step import explain_step
from handgrad.cli.export import export
from handgrad.cli.gradcheck import gradcheck
from handgrad.cli.help_pages import Command, Group
from handgrad.cli.models import models
from handgrad.cli.open import open_page
from handgrad.cli.options import Quiet, Verbose
from handgrad.cli.plan import plan
from handgrad.cli.predict import predict
from handgrad.cli.reproduce import reproduce
from handgrad.cli.screen import Screen, reset_logging
from handgrad.cli.train import train
from handgrad.cli.upgrade import upgrade
from handgrad.cli.verify import verify
from handgrad.errors import ConfigError, HandgradError
from handgrad.signals import CommandExit
from handgrad.threads import limit_library_threads

# Errors of stdout itself: a full disk, a closed pipe, a failed device, a file size limit.
OUTPUT_ERRORS = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EFBIG}


class Commands(Group):
    """The group of all commands. It prints a user error as one line, and sets the exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line, and check that all output could be written to stdout."""
        try:
            try:
                return super().main(*args, **options)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if error.filename is not None or error.errno not in OUTPUT_ERRORS:
                raise
            with suppress(OSError):  # flushing the rest at exit would fail again
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno != errno.EPIPE:
                Screen().error(f"the output cannot be written ({error.strerror})")
            raise SystemExit(FAILURE) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand named on the command line."""
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
            reset_logging()


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nResults go to stdout; progress, warnings and errors go to stderr.\n"
    f"Exit codes:\n{exit_code_table()}",  # after \b, line breaks are kept
)
for function in (
    train,
    auto,
    evaluate,
    predict,
    explain_step,
    calibrate,
    export,
    verify,
    upgrade,
    models,
    plan,
    gradcheck,
    compare_engines,
    reproduce,
):
    app.command(cls=Command)(function)
app.command("open", cls=Command)(open_page)
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
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Train small-image classifiers with gradients derived by hand.

    Start with [bold]handgrad train[/bold], which needs no download and takes a few seconds.
    [bold]handgrad COMMAND --help[/bold] explains a command.

    [bold]handgrad --install-completion[/bold] turns on tab completion for your shell.
    """
