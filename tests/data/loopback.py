"""A local web server whose responses a test chooses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Responds by path, and records the requested paths.

    Attributes:
        url: the URL of the server, which ends in a slash.
        answers: the response for each path without its first slash; for other paths it is 404.
        asked: the requested paths, in order.
        closing: set when the server shuts down.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()
        self.url = ""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server, with TLS if a context is given."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        closing = server.closing

        def do_GET(self) -> None:
            path = self.path[1:]
            server.asked.append(path)
            with suppress(OSError):  # the client may close the connection
                server.answers.get(path, status(404))(self)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        server.url = f"{scheme}://127.0.0.1:{http.server_address[1]}/"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            http.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Answer:
    """Respond with a status and no content."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def content(data: bytes, *, promised: int | str | None = None, **headers: str) -> Answer:
    """Respond with data, and its length or another Content-Length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data) if promised is None else promised))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Respond with endless data."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.closing.is_set():
        handler.wfile.write(b"more" * 4096)


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Do not respond."""
    handler.closing.wait(30)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Respond slowly, byte by byte."""
    content(b"", promised=10_000)(handler)
    while not handler.closing.wait(0.02):
        handler.wfile.write(b"a")


def dripping_head(handler: BaseHTTPRequestHandler) -> None:
    """Send the headers slowly, byte by byte."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nEndless: ")
    while not handler.closing.wait(0.02):
        handler.wfile.write(b"a")


def endless_redirect(place: str) -> Answer:
    """Respond with a redirect that has an endless body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.end_headers()
        while not handler.closing.is_set():
            handler.wfile.write(b"more" * 4096)

    return answer


def stalled(handler: BaseHTTPRequestHandler) -> None:
    """Respond with a few bytes, then stall."""
    content(b"a few bytes", promised=1000)(handler)
    handler.closing.wait(30)
