"""The command `handgrad`: it parses options and prints results; other packages do the work."""

from handgrad.signals import end_command, exit_now, ignore_signals, install_handler


def main() -> None:
    """Run the command line. A signal ends it with 130 (Ctrl-C), 143 or 129 at any moment."""
    install_handler(exit_now)

    import atexit

    atexit.register(ignore_signals)  # registered first, so it runs last
    from handgrad.cli.app import app

    try:
        install_handler(end_command)
        app(prog_name="handgrad")
    finally:
        install_handler(exit_now)
