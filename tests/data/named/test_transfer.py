"""One transfer before a server that means harm."""

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handgrad.data.named.transfer import Terms, TransferError, transfer
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
SECURE, HTTP = Terms(), Terms(scheme="http", stall=0.5)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of https that this process trusts."""
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


def bring(url: str, folder: Path, terms: Terms, limit: int = 1 << 20) -> bytes:
    transfer(url, folder / "file", limit, progress=False, terms=terms)
    return (folder / "file").read_bytes()


def test_https_is_the_way(secure: Server, tmp_path: Path) -> None:
    secure.answers["file"] = content(DATA)
    assert bring(f"{secure.url}file", tmp_path, SECURE) == DATA


def test_https_may_lead_to_https_and_never_to_http(secure: Server, tmp_path: Path) -> None:
    secure.answers["moved"] = content(DATA)
    secure.answers["file"] = status(302, Location="/moved")
    assert bring(f"{secure.url}file", tmp_path, SECURE) == DATA
    with serving() as plain:
        plain.answers["file"] = content(DATA)
        for code in (301, 302, 303, 307, 308):
            secure.answers["file"] = status(code, Location=f"{plain.url}file")
            with pytest.raises(TransferError, match=f"it leads to {plain.url}file, which is not"):
                bring(f"{secure.url}file", tmp_path, SECURE)
        assert plain.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.answers["file"] = content(DATA)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(TransferError, match="no secure connection"):
        bring(f"{secure.url}file", tmp_path, SECURE)


@pytest.mark.parametrize("answer", [silent, stalled, dripping, dripping_head])
def test_a_stall_is_given_up_and_ends_for_good(answer, tmp_path: Path) -> None:
    threads = threading.active_count()
    with serving() as server:
        server.answers["file"] = answer
        started = time.monotonic()
        with pytest.raises(TransferError, match="no answer in time"):
            bring(f"{server.url}file", tmp_path, HTTP)
        assert time.monotonic() - started < 10 * HTTP.stall
    patience = time.monotonic() + 10
    while threading.active_count() > threads:
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_two_mirrors_that_stall_are_given_up_within_30_seconds() -> None:
    assert 2 * SECURE.stall <= 30


def test_a_slow_answer_that_does_come_is_no_stall(tmp_path: Path) -> None:
    def slow(handler) -> None:
        content(b"", promised=5 * 4096)(handler)
        for _ in range(5):
            time.sleep(0.2)
            handler.wfile.write(b"a" * 4096)

    with serving() as server:
        server.answers["file"] = slow
        assert bring(f"{server.url}file", tmp_path, HTTP) == b"a" * 5 * 4096


def test_what_only_leads_on_is_not_read(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    with serving() as server:
        server.answers["file"] = endless_redirect("/moved")
        server.answers["moved"] = content(DATA)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert bring(f"{server.url}file", tmp_path, Terms("http")) == DATA
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, len(DATA)])
def test_a_limit_is_to_the_byte(size: int, tmp_path: Path) -> None:
    with serving() as server:
        server.answers["file"] = content(DATA[:size])
        assert bring(f"{server.url}file", tmp_path, Terms("http"), size) == DATA[:size]
        if size:
            with pytest.raises(TransferError, match="the file is too long"):
                bring(f"{server.url}file", tmp_path, Terms("http"), size - 1)
