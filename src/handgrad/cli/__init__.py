"""The command `handgrad`: it parses options and prints results; other packages do the work."""

from handgrad.signals import at_once, end, leave, obey


def main() -> None:
    """Run the command line. A signal ends it with 130 (Ctrl-C), 143 or 129 at any moment."""
    obey(at_once)

    import atexit

    atexit.register(end)  # registered first, so it runs last
    from handgrad.cli.app import app
    from handgrad.threads import hold_libraries

    hold_libraries()
    try:
        obey(leave)
        app(prog_name="handgrad")
    finally:
        obey(at_once)
