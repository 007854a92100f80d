"""A web server on this machine that answers as a test wants it to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers by path; `asked` lists the paths that were asked for.

    Attributes:
        url: where it is, with a slash at the end.
        answers: what to do for a path, without its first slash; anything else is not found.
        asked: the paths, in order.
        closing: set when the server is about to end.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()
        self.url = ""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Give a server that runs meanwhile; with TLS it is one of https."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        closing = server.closing

        def do_GET(self) -> None:
            path = self.path[1:]
            server.asked.append(path)
            with suppress(OSError):  # the other side may have had enough
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
    """Answer with a status and no content."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def content(data: bytes, *, promised: int | str | None = None, **headers: str) -> Answer:
    """Answer with data, and promise as much or another length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data) if promised is None else promised))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer with bytes that never end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.closing.is_set():
        handler.wfile.write(b"more" * 4096)


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Answer with nothing."""
    handler.closing.wait(30)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Answer with one byte after another, none of them late."""
    content(b"", promised=10_000)(handler)
    while not handler.closing.wait(0.02):
        handler.wfile.write(b"a")


def dripping_head(handler: BaseHTTPRequestHandler) -> None:
    """Answer so from the first byte on."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nEndless: ")
    while not handler.closing.wait(0.02):
        handler.wfile.write(b"a")


def endless_redirect(place: str) -> Answer:
    """Answer that it lies elsewhere, and say so at endless length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.end_headers()
        while not handler.closing.is_set():
            handler.wfile.write(b"more" * 4096)

    return answer


def stalled(handler: BaseHTTPRequestHandler) -> None:
    """Answer with a few bytes, and then with nothing."""
    content(b"a few bytes", promised=1000)(handler)
    handler.closing.wait(30)
