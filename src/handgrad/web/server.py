"""The local server of the page: the application behind the guard, in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from handgrad.errors import ConfigError
from handgrad.web import routes
from handgrad.web.assets import Asset, load_assets
from handgrad.web.guard import App, Guard, new_token
from handgrad.web.session import Session

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 64
START_SECONDS = 5.0
STOP_SECONDS = 0.5


def make_app(session: Session) -> Starlette:
    """Return the application: the files of the page, and the endpoints of every view."""
    found: list[BaseRoute] = [_file(path, asset) for path, asset in load_assets().items()]
    for module in routes.VIEWS:
        found += module.routes(session)
    app = Starlette(routes=found)
    app.router.redirect_slashes = False  # a redirect would contain the request's Host
    return app


class LocalServer:
    """A server on this computer, which runs in a thread until `stop`.

    Args:
        app: the application; a guard is put in front of it.
        port: the port, or 0 for a free one.
        address: the address to listen on: `LOOPBACK`, or this computer's address in the local
            network (see `lan_address`).

    Attributes:
        port: the port.
        hosts: the accepted values of the header `Host`.
        token: the token that the page must send.
        url: the address for the browser. Its fragment contains the token.

    Raises:
        ConfigError: if the port cannot be used.
    """

    def __init__(self, app: App, port: int = 0, address: str = LOOPBACK) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise ConfigError(
                f"port {port} cannot be used ({error.strerror}); choose another one with --port"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self.token = new_token()
        self.url = f"http://{address}:{self.port}/#token={self.token}"
        self.hosts = frozenset({f"{address}:{self.port}"})
        if address == LOOPBACK:
            self.hosts |= {f"localhost:{self.port}"}
        guard = Guard(app, hosts=self.hosts, token=self.token)
        self._server = _Server(
            uvicorn.Config(
                guard,
                log_level="critical",
                access_log=False,
                lifespan="off",
                ws="none",
                http="h11",
                loop="asyncio",
                proxy_headers=False,
                server_header=False,
                date_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=16 * 1024,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="handgrad server", daemon=True
        )

    def start(self) -> None:
        """Start the thread, and return when the server answers."""
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.005)

    @property
    def is_running(self) -> bool:
        """Whether the server's thread runs."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until the server ends, but at most the given time."""
        self._thread.join(seconds)

    def begin_stop(self) -> None:
        """Tell the server to end, without waiting."""
        self._server.should_exit = self._server.force_exit = True

    def stop(self) -> None:
        """End the server. A request that still runs after `STOP_SECONDS` is abandoned."""
        self.begin_stop()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
        self._socket.close()


class _Server(uvicorn.Server):
    """A server that leaves the signals to the command, which also ends the training process."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _file(path: str, asset: Asset) -> Route:
    """Return the route of one file."""

    async def answer(_: Request) -> Response:
        return Response(asset.content, media_type=asset.content_type)

    return Route(path, answer, methods=["GET", "HEAD"])
