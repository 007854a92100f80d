"""The command `handgrad`: parsing and printing. What it does, the other rooms do."""

from handgrad.signals import at_once, end, leave, obey


def main() -> None:
    """Run the command line: signals end it with 130 (Ctrl-C), 143 or 129, whatever it is at."""
    obey(at_once)

    import atexit

    atexit.register(end)  # what is registered first is done last
    from handgrad.cli.app import app
    from handgrad.threads import hold_libraries

    hold_libraries()
    try:
        obey(leave)
        app(prog_name="handgrad")
    finally:
        obey(at_once)
