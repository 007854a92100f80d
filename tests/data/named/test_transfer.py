"""Tests of `transfer` against misbehaving servers."""

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handgrad.data.named.transfer import Limits, TransferError, transfer
from tests.data.loopback import (
    Server,
    content,
    dripping,
    dripping_head,
    endless_redirect,
    serving,
    silent,
    stalled,
    status,
)

DATA = bytes(range(256)) * 40
SECURE, HTTP = Limits(), Limits(scheme="http", stall=0.5)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run an https server that this process trusts."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is needed to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=own"
    )
    places = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *words.split(), *places], check=True, capture_output=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as server:
        yield server


def fetch(url: str, folder: Path, limits: Limits, limit: int = 1 << 20) -> bytes:
    transfer(url, folder / "file", limit, progress=False, limits=limits)
    return (folder / "file").read_bytes()


def test_https_works(secure: Server, tmp_path: Path) -> None:
    secure.answers["file"] = content(DATA)
    assert fetch(f"{secure.url}file", tmp_path, SECURE) == DATA


def test_a_redirect_to_http_is_rejected(secure: Server, tmp_path: Path) -> None:
    secure.answers["moved"] = content(DATA)
    secure.answers["file"] = status(302, Location="/moved")
    assert fetch(f"{secure.url}file", tmp_path, SECURE) == DATA
    with serving() as plain:
        plain.answers["file"] = content(DATA)
        for code in (301, 302, 303, 307, 308):
            secure.answers["file"] = status(code, Location=f"{plain.url}file")
            with pytest.raises(TransferError, match=f"{plain.url}file is not an https URL"):
                fetch(f"{secure.url}file", tmp_path, SECURE)
        assert plain.asked == []


def test_an_untrusted_certificate_is_rejected(
    secure: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.answers["file"] = content(DATA)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(TransferError, match="no secure connection"):
        fetch(f"{secure.url}file", tmp_path, SECURE)


@pytest.mark.parametrize("answer", [silent, stalled, dripping, dripping_head])
def test_a_stalled_transfer_is_cancelled_and_its_thread_ends(answer, tmp_path: Path) -> None:
    threads = threading.active_count()
    with serving() as server:
        server.answers["file"] = answer
        started = time.monotonic()
        with pytest.raises(TransferError, match="no response in time"):
            fetch(f"{server.url}file", tmp_path, HTTP)
        assert time.monotonic() - started < 10 * HTTP.stall
    patience = time.monotonic() + 10
    while threading.active_count() > threads:
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_two_stalled_mirrors_take_at_most_30_seconds() -> None:
    assert 2 * SECURE.stall <= 30


def test_a_slow_response_is_not_a_stall(tmp_path: Path) -> None:
    def slow(handler) -> None:
        content(b"", promised=5 * 4096)(handler)
        for _ in range(5):
            time.sleep(0.2)
            handler.wfile.write(b"a" * 4096)

    with serving() as server:
        server.answers["file"] = slow
        assert fetch(f"{server.url}file", tmp_path, HTTP) == b"a" * 5 * 4096


def test_an_endless_redirect_body_is_not_read(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    with serving() as server:
        server.answers["file"] = endless_redirect("/moved")
        server.answers["moved"] = content(DATA)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert fetch(f"{server.url}file", tmp_path, Limits("http")) == DATA
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, len(DATA)])
def test_the_limit_is_exact(size: int, tmp_path: Path) -> None:
    with serving() as server:
        server.answers["file"] = content(DATA[:size])
        assert fetch(f"{server.url}file", tmp_path, Limits("http"), size) == DATA[:size]
        if size:
            with pytest.raises(TransferError, match="the file is larger than expected"):
                fetch(f"{server.url}file", tmp_path, Limits("http"), size - 1)
