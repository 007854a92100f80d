"""`handgrad open`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import DataDir, Quiet, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError
from handgrad.signals import CommandExit

if TYPE_CHECKING:
    from handgrad.web.server import LocalServer

POLL_SECONDS = 0.2


def open_page(
    *,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN | MODEL | DATA",
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
    lan: Annotated[
        bool,
        typer.Option(
            "--lan",
            metavar="",
            help="Also serve phones and other computers in the local network. Prints a QR code.",
        ),
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
        from handgrad.web.lan import lan_address
        from handgrad.web.server import LOOPBACK, LocalServer, make_app
    except ImportError:
        raise ConfigError("the page needs the extra web: pip install 'handgrad[web]'") from None
    from handgrad.web.session import session_for

    session = session_for(target, data_dir)
    if verbose:
        show_versions(screen, page=str(session.path or session.data_name))
    address = lan_address() if lan else LOOPBACK
    server = LocalServer(make_app(session), port, address)
    try:
        server.start()
        screen.result(server.url)
        if lan:
            _explain_lan(screen, server)
        screen.info("Ctrl-C ends the page")
        if not no_browser:
            _open_browser(server.url)
        while server.is_running:
            server.wait(POLL_SECONDS)
    except CommandExit as end:
        screen.info("the page is closed")
        raise typer.Exit(end.code) from None  # type: ignore[arg-type]
    finally:
        server.begin_stop()
        session.close()
        server.stop()
        if session.interrupted_run is not None:
            folder = shlex.quote(str(session.interrupted_run))
            screen.info(f"the run is saved; to resume: handgrad train --resume {folder}")


def _explain_lan(screen: Screen, server: LocalServer) -> None:
    """Print how to open the page on a phone, and a warning."""
    from handgrad.web.lan import qr_code

    screen.info(qr_code(server.url))
    screen.info(
        "Scan the code with a phone in the same network. Accepted addresses: "
        f"{', '.join(sorted(server.hosts))}"
    )
    screen.warning(
        "with the address and its token, everyone in this network can use the page; the "
        "connection is not encrypted"
    )


def _open_browser(url: str) -> None:
    """Open the address in the default browser, if there is one."""
    import webbrowser

    try:
        webbrowser.open(url)
    except webbrowser.Error:
        Screen().warning("no browser was found; open the address yourself")
