"""`handgrad open`."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad.cli.options import DataDir, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError

POLL_SECONDS = 0.2


def open_page(
    *,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN | MODEL | DATA]",
            help="The folder of a run, a model file, the name of a data set, or the path of your "
            "own images. Default: a network is trained on digits while you watch.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port; 0: any free port."),
    ] = 0,
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", metavar="", help="Do not open the browser."),
    ] = False,
    data_dir: DataDir = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Open a page in the browser: draw, watch a network learn, and look inside it.

    The page is served by this computer only, and needs no internet. Ctrl-C ends it; a training run
    that was interrupted in this way can be resumed.
    """
    screen = Screen(quiet)
    try:
        from handgrad.web.server import LocalServer, make_app
    except ImportError:
        raise ConfigError("the page needs the extra web: pip install 'handgrad[web]'") from None
    from handgrad.web.session import session_for

    session = session_for(target, data_dir)
    if verbose:
        show_versions(screen, page=str(session.path or session.data_name))
    server = LocalServer(make_app(session), port)
    try:
        server.start()
        screen.result(server.url)
        screen.info("Ctrl-C ends the page")
        if not no_browser:
            _open_browser(server.url)
        while server.is_running:
            server.wait(POLL_SECONDS)
    finally:
        session.close()
        server.stop()


def _open_browser(url: str) -> None:
    """Open the address in the default browser, if there is one."""
    import webbrowser

    try:
        webbrowser.open(url)
    except webbrowser.Error:
        Screen().warning("no browser was found; open the address yourself")
