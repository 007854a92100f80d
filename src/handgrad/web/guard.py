"""The guard in front of a local server: it refuses every request that the page did not make.

Any website that is open in the same browser can send requests to a server on this computer. The
guard lets a request through only if all of the following hold:

- Its `Host` is exactly one of the listed values. A website that made its own name point to this
  computer would send its own name.
- `Sec-Fetch-Site`, if the browser sends it, says that the request came from the page or from the
  address bar.
- Its method is GET, HEAD or POST.
- Under ``/api/``, and for every POST, it has the token in a header. Another website can neither
  read the token nor add the header.
- A POST has one of the listed content types, which a form cannot send.
- Its body is not too large and arrives in time.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_HEADER = "x-handgrad-token"  # noqa: S105 (the name of the header, not a token)
MAX_BODY = 16 * 2**20  # bytes
BODY_SECONDS = 10.0  # for the whole body of a request
CONTENT_TYPES = frozenset({"application/json", "application/octet-stream"})
METHODS = frozenset({"GET", "HEAD", "POST"})

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Refused(Exception):  # noqa: N818 (an answer, not an error of the program)
    """A request is refused.

    Args:
        status: the HTTP status code.
        reason: one sentence for the person who made the request. It names no path.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def new_token() -> str:
    """Return a random token of 32 characters that fits into a URL."""
    return secrets.token_urlsafe(24)


class Guard:
    """ASGI middleware that refuses requests from anywhere but the page: see the module.

    Args:
        app: the application behind the guard.
        hosts: the accepted values of the header `Host`, with the port.
        token: the token that requests must send in the header `TOKEN_HEADER`.
        max_body: the largest body of a request, in bytes.
        body_seconds: the time in which the body of a request must arrive, in seconds.
        content_types: the accepted content types of a POST.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Iterable[str],
        token: str,
        max_body: int = MAX_BODY,
        body_seconds: float = BODY_SECONDS,
        content_types: frozenset[str] = CONTENT_TYPES,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.encode("ascii") for host in hosts)
        self._token = token.encode("ascii")
        self._max_body, self._body_seconds = max_body, body_seconds
        self._content_types = content_types

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the application, or answer it with an error."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page opens no WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        has_started = False

        async def guarded_send(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                message = {**message, "headers": _with_security(message.get("headers", []))}
            await send(message)

        try:
            self._check(scope)
            body = await self._read(scope, receive)
            await self._app(scope, _replay(body, receive), guarded_send)
        except Refused as refused:
            if not has_started:
                await _refuse(refused, guarded_send)

    def _check(self, scope: Scope) -> None:
        """Raise `Refused` if the head of a request breaks a rule."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise Refused(421, "this server answers only under the address that it printed")
        for name, value in headers:
            if name == b"sec-fetch-site" and value not in (b"same-origin", b"none"):
                raise Refused(403, "the request came from another website")
        method = scope["method"]
        if method not in METHODS:
            raise Refused(405, "the method is not allowed")
        if method == "POST" or scope["path"].startswith("/api/"):
            tokens = [v for name, v in headers if name == TOKEN_HEADER.encode()]
            if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._token):
                raise Refused(
                    401, "the token is missing or old; open the address that was printed last"
                )
        if method == "POST":
            types = [value for name, value in headers if name == b"content-type"]
            kind = types[0].decode("latin-1").partition(";")[0].strip() if len(types) == 1 else ""
            if kind not in self._content_types:
                raise Refused(415, f"send {' or '.join(sorted(self._content_types))}")

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body of a request. Raise `Refused` if it is too large or takes too long."""
        too_large = Refused(413, f"the body is larger than {self._max_body // 2**20} MiB")
        for name, value in scope["headers"]:
            if name == b"content-length" and not (
                value.isdigit() and len(value) < 20 and int(value) <= self._max_body
            ):
                raise too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the connection was closed")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._max_body:
                        raise too_large
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Refused(408, "the body did not arrive in time") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first, and then whatever the server reports."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_security(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response with the security headers, which replace others."""
    own = [(name, value) for name, value in headers if name.decode() not in SECURITY_HEADERS]
    return own + [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


async def _refuse(refused: Refused, send: Send) -> None:
    """Answer a request with one sentence, and close the connection."""
    text = f"{refused}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
