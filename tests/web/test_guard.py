"""The guard: one table of attacks, each of which is refused, and what the page itself may do."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from handgrad.web.guard import Guard
from handgrad.web.server import LocalServer, make_app
from handgrad.web.session import Session
from tests.web.client import Client

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    server = LocalServer(make_app(Session(data="digits")))
    server.start()
    yield Client(server)
    server.stop()


HOSTS = [
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1.nip.io:PORT",
    "localhost.evil.example:PORT",
    "[::1]evil:PORT",
    "[::1]:PORT",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1:PORT0",
    "127.0.0.1:PORT.evil.example",
    "127.0.0.1:PORT@evil.example",
    "evil.example@127.0.0.1:PORT",
    "LOCALHOST:PORT",
    "localhost.:PORT",
    "localhost:PORT/",
    "127.1:PORT",
    "2130706433:PORT",
    "0.0.0.0:PORT",
    "127.0.0.1:PORT, evil.example",
    "",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/session", "/page/main.js"])
def test_a_foreign_host_is_refused(client: Client, host: str, path: str) -> None:
    status = client.ask("GET", path, {**client.own, "Host": host})
    assert status in (421, 400)  # 400: not a valid header


def test_no_host_or_two_hosts_are_refused(client: Client) -> None:
    token = ("X-Handgrad-Token", client.server.token)
    assert client.ask("GET", "/", [token]) == 400
    assert client.ask("GET", "/", [("Host", client.host), ("Host", client.host), token]) == 400
    assert client.ask("GET", "/", [("Host", client.host), ("Host", "evil"), token]) == 400


OTHER_SITES = ["cross-site", "same-site", "Same-Origin", "", "same-origin, none"]


@pytest.mark.parametrize("site", OTHER_SITES)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/api/session"), ("POST", "/api/session")]
)
def test_a_request_from_another_site_is_refused(client, method, path, site):
    headers = {**client.own, **JSON, "Sec-Fetch-Site": site}
    assert client.ask(method, path, headers, b"{}" if method == "POST" else None) == 403


FORMS = [
    {"content-type": "application/x-www-form-urlencoded"},
    {"content-type": "text/plain"},
    {"content-type": "multipart/form-data; boundary=x"},
    {"content-type": "text/plain; application/json"},
    {"content-type": "application/jsonp"},
    {},
]


@pytest.mark.parametrize("kind", FORMS, ids=str)
def test_a_form_is_refused(client: Client, kind: dict[str, str]) -> None:
    assert client.ask("POST", "/api/session", {**client.own, **kind}, b"a=1") == 415
    without_token = {"Host": client.host, **kind}
    assert client.ask("POST", "/api/session", without_token, b"a=1") == 401


TOKENS = ["", "x", "PREFIX", "LONGER", "UPPER", "ä"]


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("path", ["/api/session", "/api/images", "/api/unknown", "/api/"])
def test_a_wrong_token_is_refused(client: Client, kind: str, path: str) -> None:
    token = client.server.token
    variants = {"PREFIX": token[:-1], "LONGER": token + "x", "UPPER": token.swapcase()}
    headers = {"Host": client.host, "X-Handgrad-Token": variants.get(kind, kind)}
    assert client.ask("GET", path, headers) == 401


def test_a_token_elsewhere_does_not_count(client: Client) -> None:
    token, host = client.server.token, ("Host", client.host)
    own = ("X-Handgrad-Token", token)
    assert client.ask("GET", f"/api/session?token={token}", [host]) == 401
    assert client.ask("GET", "/api/session", [host, ("Cookie", f"token={token}")]) == 401
    assert client.ask("GET", "/api/session", [host, ("Authorization", f"Bearer {token}")]) == 401
    assert client.ask("GET", "/api/session", [host, own, own]) == 401
    assert client.ask("GET", "/api/session", [host, own]) == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_an_unusual_method_is_refused(client: Client, method: str) -> None:
    assert client.ask(method, "/api/session", client.own) in (400, 405)


PATHS = [
    "//api/session",
    "/api//session",
    "/api/session/",
    "/API/session",
    "/api/../page/main.js",
    "/page/../../pyproject.toml",
    "/page/..%2f..%2f..%2fetc%2fpasswd",
    "/page/%2e%2e/%2e%2e/etc/passwd",
    "/page//etc/passwd",
    "/page/main.js%00.css",
    "/page/main.js/",
    "/page/",
    "/page",
    "/runtime",
    "/page/index.html/../../guard.py",
    "/guard.py",
    "/..\\..\\etc\\passwd",
    "http://evil.example/",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_names_a_file_of_the_page_or_nothing(client: Client, path: str) -> None:
    status, _, body = client.answer("GET", path, client.own)
    assert status in (400, 401, 404)
    assert b"root:" not in body
    assert b"import" not in body


def test_an_encoded_path_needs_the_token_too(client: Client) -> None:
    assert client.ask("GET", "/%61pi/session", {"Host": client.host}) == 401
    assert client.ask("GET", "/%61pi/session", client.own) == 200


def test_the_page_may_be_read_without_a_token(client: Client) -> None:
    for site in ("same-origin", "none"):
        assert client.ask("GET", "/", {"Host": client.host, "Sec-Fetch-Site": site}) == 200
    assert client.ask("GET", "/", {"Host": "localhost:PORT"}) == 200
    assert client.ask("HEAD", "/page/style.css", {"Host": client.host}) == 200


@pytest.mark.parametrize("path", ["/", "/api/session", "/nothing"])
def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    for own in (client.own, {**client.own, "Host": "evil"}):
        _, headers, _ = client.answer("GET", path, own)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control")]
        assert "server" not in headers


def test_an_oversized_body_is_refused_before_it_is_read(client: Client) -> None:
    headers = {**client.own, **JSON}
    for size in ("99999999999", "-1", "1e3", "9" * 40):
        assert client.ask("POST", "/api/session", {**headers, "Content-Length": size}) in (413, 400)


def test_an_endless_body_is_refused(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as connection:
        head = "POST /api/session HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        for name, value in {**client.own, **JSON}.items():
            head += f"{name}: {value}\r\n"
        connection.sendall(f"{head}\r\n".encode())
        block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64:
                connection.sendall(block)
                sent += 1
        assert sent < 64
    assert client.ask("GET", "/api/session", client.own) == 200


def test_too_many_images_are_refused(client: Client) -> None:
    for query in ("count=100000", "count=-1", "start=-5", "split=../x", "path=/etc/passwd"):
        status, _, body = client.answer("GET", f"/api/images?{query}", client.own)
        assert status == 400
        assert b"/etc" not in body


def test_a_slow_client_does_not_stop_others() -> None:
    async def app(_, receive, send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    server = LocalServer(app)
    guard = server._server.config.app
    assert isinstance(guard, Guard)
    guard._body_seconds = 0.5
    server.start()
    client, statuses = Client(server), []

    def slow() -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            head = "POST /x HTTP/1.1\r\nContent-Length: 10\r\n"
            for name, value in {**client.own, **JSON}.items():
                head += f"{name}: {value}\r\n"
            connection.sendall(f"{head}\r\n1".encode())
            statuses.append(connection.recv(100))

    threads = [threading.Thread(target=slow) for _ in range(20)]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    assert client.ask("GET", "/", client.own) == 200
    assert time.monotonic() - start < 5
    for thread in threads:
        thread.join()
    server.stop()
    assert len(statuses) == 20
    assert all(status.startswith(b"HTTP/1.1 408") for status in statuses)


def test_an_unknown_parameter_is_one_sentence(client: Client) -> None:
    status, _, body = client.answer("GET", "/api/images?x=1", client.own)
    assert status == 400
    assert b"x: Extra inputs are not permitted" in body
