"""The command `handgrad`: parsing and printing. What it does, the other rooms do."""

import sys


def main() -> None:
    """Run the command line; an interruption ends it with 130, even while it still loads."""
    try:
        from handgrad.cli.app import app

        app(prog_name="handgrad")
    except KeyboardInterrupt:
        sys.exit(130)
