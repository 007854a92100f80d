"""The command `handgrad`, which parses options, calls other packages and prints their results."""

from handgrad.signals import end_command, exit_now, ignore_signals, install_handler


def main() -> None:
    """Run the command line; a signal can end it at any time with exit code 130, 143 or 129."""
    install_handler(exit_now)

    import atexit

    atexit.register(ignore_signals)  # registered first, so it runs last
    from handgrad.cli.app import app

    try:
        install_handler(end_command)
        app(prog_name="handgrad")
    finally:
        install_handler(exit_now)
