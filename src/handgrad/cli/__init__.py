"""The command `handgrad`: parsing and printing. What it does, the other rooms do."""

from handgrad.signals import end_command, exit_now, ignore_signals, install_handler


def main() -> None:
    """Run the command line: signals end it with 130 (Ctrl-C), 143 or 129, whatever it is at."""
    install_handler(exit_now)

    import atexit

    atexit.register(ignore_signals)  # what is registered first is done last
    from handgrad.cli.app import app

    try:
        install_handler(end_command)
        app(prog_name="handgrad")
    finally:
        install_handler(exit_now)
