"""The command `handgrad`: parsing and printing. What it does, the other rooms do."""

import signal
import sys

from handgrad.signals import leave


def main() -> None:
    """Run the command line.

    SIGINT ends it with 130, even while it still loads, and SIGTERM with 143.
    """
    signal.signal(signal.SIGTERM, leave)
    try:
        from handgrad.cli.app import app
        from handgrad.cores import hold_libraries

        hold_libraries()
        app(prog_name="handgrad")
    except KeyboardInterrupt:
        sys.exit(130)
